'use strict';
// Names, numbers, base64, verifier keys, signed notes, checkpoints (docs/spec/checkpoint.md).
const crypto = require('node:crypto');
const { Malformed } = require('./cbor.js');
const { sha256, EMPTY } = require('./tree.js');

const MOST = (1n << 63n) - 1n;

function readBase64(text) {
  const data = Buffer.from(text, 'base64');
  if (data.toString('base64') !== text) throw new Malformed('not canonical base64');
  return data;
}

function readNumber(text) {
  if (!/^(0|[1-9][0-9]*)$/.test(text) || text.length > 19 || BigInt(text) > MOST) {
    throw new Malformed('not a plain number');
  }
  return Number(text);
}

function checkName(name) {
  if (!name || /[+\p{White_Space}\u0000-\u001f]/u.test(name) || !name.isWellFormed()) {
    throw new Malformed('not a name');
  }
}

const ED25519_SPKI = Buffer.from('302a300506032b6570032100', 'hex');

function loadKey(algorithm, bytes) {
  try {
    if (algorithm === 1 && bytes.length === 32) {
      const key = Buffer.concat([ED25519_SPKI, bytes]);
      return crypto.createPublicKey({ key, format: 'der', type: 'spki' });
    }
    // 0x04 opens an uncompressed point; with the head before it, that makes 91 bytes.
    if (algorithm === 2 && bytes.length === 91 && bytes[26] === 4) {
      const key = crypto.createPublicKey({ key: bytes, format: 'der', type: 'spki' });
      const same = key.export({ format: 'der', type: 'spki' }).equals(bytes);
      if (same && key.asymmetricKeyDetails.namedCurve === 'prime256v1') return key;
    }
  } catch {
    // refused below
  }
  throw new Malformed('no public key of a known algorithm');
}

class VerifierKey {
  constructor(text) {
    const parts = /^([^+]*)\+([0-9a-f]{8})\+(.*)$/su.exec(text);
    if (!parts) throw new Malformed('not a verifier key');
    this.text = text;
    this.name = parts[1];
    checkName(this.name);
    const data = readBase64(parts[3]);
    if (!data.length) throw new Malformed('not a verifier key');
    this.algorithm = data[0];
    this.public = loadKey(data[0], data.subarray(1));
    this.id = Buffer.from(parts[2], 'hex');
    const hashed =
      this.algorithm === 1
        ? sha256(Buffer.from(this.name), Buffer.from([10]), data)
        : sha256(data.subarray(1));
    if (!hashed.subarray(0, 4).equals(this.id)) throw new Malformed('not this key’s id');
  }

  digest() {
    return sha256(Buffer.from(this.text));
  }

  verifies(message, signature) {
    const hash = this.algorithm === 1 ? null : 'sha256';
    return crypto.verify(hash, message, this.public, signature);
  }
}

function parseNote(text) {
  if (Buffer.byteLength(text) > 1000000 || !text.isWellFormed()) throw new Malformed('too long');
  const end = text.lastIndexOf('\n\n');
  const lines = text.slice(end + 2).split('\n');
  if (end < 0 || lines.pop() !== '' || lines.length < 1 || lines.length > 100) {
    throw new Malformed('not a signed note');
  }
  const body = text.slice(0, end + 1);
  if (/[\u0000-\u0009\u000b-\u001f]/.test(body)) throw new Malformed('control character');
  const signatures = lines.map((line) => {
    const parts = /^\u2014 ([^ ]*) (.*)$/su.exec(line);
    if (!parts) throw new Malformed('not a signature line');
    checkName(parts[1]);
    const data = readBase64(parts[2]);
    if (data.length < 5) throw new Malformed('no signature');
    return { name: parts[1], id: data.subarray(0, 4), signature: data.subarray(4) };
  });
  return { body, message: Buffer.from(body), signatures };
}

function parseCheckpoint(body) {
  const lines = body.split('\n');
  if (lines.length !== 4 || lines[3] !== '') throw new Malformed('not three lines');
  checkName(lines[0]);
  const size = readNumber(lines[1]);
  const root = readBase64(lines[2]);
  if (root.length !== 32) throw new Malformed('not a root');
  if (size === 0 && !root.equals(EMPTY)) throw new Malformed('not the empty root');
  return { origin: lines[0], size, root };
}

// A note and its checkpoint; nothing is verified.
function readCheckpoint(text) {
  const note = parseNote(text);
  return { note, ...parseCheckpoint(note.body) };
}

// Rules 4 and 5: lines of known keys must verify. Returns the signer, or null where no known key of
// the origin's name signed, or a known key wrongly.
function signerOf(note, keys) {
  const signers = [];
  for (const line of note.signatures) {
    const known = keys.filter((key) => key.name === line.name && key.id.equals(line.id));
    if (!known.length) continue;
    const good = known.find((key) => key.verifies(note.message, line.signature));
    if (!good) return null;
    signers.push(good);
  }
  const origin = note.body.split('\n', 1)[0];
  return signers.find((key) => key.name === origin) ?? null;
}

// The key of the first line, if it is one of these and that line verifies; else null.
function firstSigner({ message, signatures: [line] }, keys) {
  const known = keys.filter((key) => key.name === line.name && key.id.equals(line.id));
  return known.find((key) => key.verifies(message, line.signature)) ?? null;
}

// To open a checkpoint with a set of keys; null where that fails.
function openCheckpoint(text, keys) {
  const read = readCheckpoint(text);
  const signer = signerOf(read.note, keys);
  return signer && { ...read, signer };
}

module.exports = {
  VerifierKey, readBase64, readNumber, readCheckpoint, openCheckpoint, parseNote, firstSigner,
};
