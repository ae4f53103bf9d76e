'use strict';
// Disclosures: chosen fields of one record, with proof (docs/spec/disclosure.md).
const { Malformed, decode, encode } = require('./cbor.js');
const { bytes, isText, openProof } = require('./entry.js');
const { commitment, fieldsRoot, isOwned, partRoot, sealedRoot } = require('./payload.js');

function readField(value) {
  if (bytes(32)(value)) return { commitment: value };
  const [name, data, salt] = Array.isArray(value) ? value : [];
  const good = Array.isArray(value) && value.length === 3 && isText(name) && Buffer.isBuffer(data);
  if (!good || Buffer.byteLength(name) > 23 || !bytes(32)(salt)) throw new Malformed('not a field');
  decode(data);
  return { name, data, salt };
}

function readFields(value) {
  if (!Array.isArray(value) || value.length < 1 || value.length > 23) throw new Malformed('not fields');
  const fields = value.map(readField);
  const names = fields.filter((field) => field.name).map((field) => encode(field.name));
  if (names.some((name, i) => i > 0 && Buffer.compare(names[i - 1], name) >= 0)) {
    throw new Malformed('names out of order');
  }
  return fields;
}

function readPart(value) {
  if (!Array.isArray(value) || ![0n, 1n, 2n].includes(value[0])) throw new Malformed('not a part');
  const owner = Number(value[0]);
  if (value.length === 2 && bytes(32)(value[1])) return { owner, root: value[1], fields: [] };
  if (value.length !== 3 || !bytes(32)(value[1])) throw new Malformed('not a part');
  return { owner, sealed: value[1], fields: readFields(value[2]) };
}

function readShown(value) {
  if (!Array.isArray(value) || value.length !== 2 || ![1n, 2n].includes(value[0])) {
    throw new Malformed('not what is shown');
  }
  const clear = value[0] === 1n;
  if (!clear && (!Array.isArray(value[1]) || !value[1].length)) throw new Malformed('no parts');
  const parts = clear ? [{ fields: readFields(value[1]) }] : value[1].map(readPart);
  const shown = parts.flatMap((part) => part.fields).filter((field) => field.name);
  if (!shown.length || new Set(shown.map((field) => field.name)).size !== shown.length) {
    throw new Malformed('nothing shown, or something twice');
  }
  return { clear, parts, shown };
}

function rootOf(id, { clear, parts }) {
  const roots = parts.map((part) => {
    if (part.root) return part.root;
    const all = part.fields.map((field) =>
      field.name ? commitment(id, field.name, field.data, field.salt) : field.commitment,
    );
    return clear ? fieldsRoot(all) : partRoot(part.owner, fieldsRoot(all), part.sealed);
  });
  return clear ? roots[0] : sealedRoot(roots);
}

// What is shown, name to the hex of the value's CBOR; or the verdict.
function verifyDisclosure(file, keys) {
  const opened = openProof(file, keys, (extra) => {
    if (extra.size !== 2) throw new Malformed('not entry and payload');
    return readShown(extra.get('payload'));
  });
  if (typeof opened === 'string') return opened;
  const disclosed = opened.rest;
  const { kind, content } = opened.entry;
  const root = kind === 'event' ? content.get('payload') : undefined;
  if (!root) return 'not proven';
  if (!disclosed.clear && !isOwned(content, disclosed.parts)) return 'not proven';
  if (!rootOf(content.get('id'), disclosed).equals(root)) return 'not proven';
  return Object.fromEntries(disclosed.shown.map(({ name, data }) => [name, data.toString('hex')]));
}

module.exports = { verifyDisclosure };
