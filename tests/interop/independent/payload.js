'use strict';
// Payloads, in the clear and sealed, and how sealed ones are opened (docs/spec/payload.md, sealing.md).
const crypto = require('node:crypto');
const { Malformed, decode, encode } = require('./cbor.js');
const { sha256 } = require('./tree.js');
const { bytes, isMap } = require('./entry.js');

// --- version 1 -----------------------------------------------------------------------------

function readClear(value) {
  const [version, salt, fields] = value;
  const good =
    value.length === 3 &&
    version === 1n &&
    bytes(32)(salt) &&
    isMap(fields) &&
    fields.size >= 1 &&
    fields.size <= 23;
  if (!good) throw new Malformed('not a payload');
  return { version: 1, salt, fields };
}

const fieldSalt = (name, salt) => sha256('biotrail/salt/1\n', encode(name), salt);

// The value as its canonical bytes.
function commitment(id, name, value, salt) {
  const opened = [Buffer.from([0x83, 0x50]), id, encode(name), value];
  return sha256('biotrail/field/1\n', salt, ...opened);
}

const fieldsRoot = (commitments) => sha256('biotrail/payload/1\n', ...commitments);

function openClear(id, payload) {
  const fields = [...payload.fields].map(([name, value]) => {
    const salt = fieldSalt(name, payload.salt);
    return { name, value, salt, commitment: commitment(id, name, encode(value), salt) };
  });
  return { fields, root: fieldsRoot(fields.map((field) => field.commitment)) };
}

// --- version 2 -----------------------------------------------------------------------------

const BUCKETS = [256, 512, 1024, 2048, 4096];
const TAG = 16;

function bucket(size) {
  return BUCKETS.find((one) => size <= one) ?? Math.ceil(size / 8192) * 8192;
}

function readPart(value) {
  if (!Array.isArray(value) || ![0n, 1n, 2n].includes(value[0])) throw new Malformed('not a part');
  const owner = Number(value[0]);
  if (value.length === 2 && bytes(32)(value[1])) return { owner, root: value[1] };
  const [, key, nonce, fieldsRoot_, ciphertext] = value;
  const good =
    value.length === 5 &&
    bytes(16)(key) &&
    bytes(12)(nonce) &&
    bytes(32)(fieldsRoot_) &&
    Buffer.isBuffer(ciphertext) &&
    ciphertext.length > TAG &&
    bucket(ciphertext.length - TAG) === ciphertext.length - TAG;
  if (!good) throw new Malformed('not a part');
  return { owner, key, nonce, fieldsRoot: fieldsRoot_, ciphertext };
}

function readSealed(value) {
  if (value.length !== 2 || !Array.isArray(value[1]) || !value[1].length) {
    throw new Malformed('not a sealed payload');
  }
  return { version: 2, parts: value[1].map(readPart) };
}

const partRoot = (owner, root, sealed) => sha256('biotrail/part/1\n', Buffer.from([owner]), root, sealed);
const sealedRoot = (roots) => sha256('biotrail/payload/2\n', ...roots);

function rootOfPart(part) {
  if (part.root) return part.root;
  const sealed = sha256(part.key, part.nonce, part.ciphertext);
  return partRoot(part.owner, part.fieldsRoot, sealed);
}

// The owners that an event's entry gives, with their references.
function ownersOf(content) {
  const [subject, actor] = [content.get('subject'), content.get('actor')];
  const owners = [];
  if (subject) owners.push({ owner: 1, reference: subject });
  if (actor && !(subject && actor.equals(subject))) owners.push({ owner: 2, reference: actor });
  return owners.length ? owners : [{ owner: 0, reference: null }];
}

// Whether the parts are those that the entry gives, each under the key of its person.
function isOwned(content, parts) {
  const owners = ownersOf(content);
  return (
    parts.length === owners.length &&
    parts.every((part, i) => {
      const { owner, reference } = owners[i];
      return part.owner === owner && (!part.key || reference === null || part.key.equals(reference));
    })
  );
}

// --- either --------------------------------------------------------------------------------

function decodePayload(data) {
  const value = decode(data);
  if (!Array.isArray(value)) throw new Malformed('not a payload');
  return value[0] === 2n ? readSealed(value) : readClear(value);
}

// Whether a payload leads to the payload root in an entry.
function leadsToRoot(content, payload) {
  const root = content.get('payload');
  if (payload.version === 1) return openClear(content.get('id'), payload).root.equals(root);
  return isOwned(content, payload.parts) && sealedRoot(payload.parts.map(rootOfPart)).equals(root);
}

// --- with data keys ------------------------------------------------------------------------

function associatedData(id, part, origin) {
  const [owner, name] = [Buffer.from([part.owner]), Buffer.from(origin)];
  return Buffer.concat([Buffer.from('biotrail/seal/1\n'), id, owner, part.key, name]);
}

function decrypt(part, key, associated) {
  const end = part.ciphertext.length - TAG;
  const opening = crypto.createDecipheriv('aes-256-gcm', key, part.nonce);
  opening.setAAD(associated);
  opening.setAuthTag(part.ciphertext.subarray(end));
  try {
    return Buffer.concat([opening.update(part.ciphertext.subarray(0, end)), opening.final()]);
  } catch {
    throw new Malformed('the tag does not verify');
  }
}

function openPart(content, part, key, origin) {
  const id = content.get('id');
  const padded = decrypt(part, key, associatedData(id, part, origin));
  let end = padded.length;
  while (end > 0 && padded[end - 1] === 0) end -= 1;
  if (end === 0 || padded[end - 1] !== 0x80 || bucket(end) !== padded.length) {
    throw new Malformed('not padded');
  }
  const payload = readClear(decode(padded.subarray(0, end - 1)));
  if (!openClear(id, payload).root.equals(part.fieldsRoot)) throw new Malformed('another fields root');
  return payload;
}

module.exports = {
  commitment, decodePayload, fieldsRoot, isOwned, leadsToRoot, openClear, openPart,
  ownersOf, partRoot, rootOfPart, sealedRoot,
};
