'use strict';
// An independent verifier of biotrail logs, written from docs/spec alone. Node 20, no packages.
//
//   node verifier.js jobs.json
//
// reads a list of jobs and prints the list of their results. Each job names what it is in "job". The
// log of a job is a log as JSON, or the path of a file that holds one as "log"; "changes" are made first
// (docs/spec/vectors.md).
const fs = require('node:fs');
const { Malformed, decode, encode, microseconds } = require('./cbor.js');
const { followsConsistency, leafHash, Tree } = require('./tree.js');
const { VerifierKey, openCheckpoint } = require('./note.js');
const { decodeEntry, parseProof, verifyProof } = require('./entry.js');
const { decodePayload, openClear, openPart, rootOfPart, sealedRoot } = require('./payload.js');
const { verifyDisclosure } = require('./disclosure.js');
const { verifyLog } = require('./log.js');

const hex = (text) => Buffer.from(text, 'hex');

function orRefused(act) {
  try {
    return act();
  } catch (error) {
    if (error instanceof Malformed) return 'refused';
    throw error;
  }
}

function rootOf(leaves) {
  const tree = new Tree();
  leaves.forEach((leaf) => tree.append(leaf));
  return tree.root();
}

const matches = (row, key) => Object.keys(key).every((name) => row[name] === key[name]);

function change(log, { table, insert, delete: gone, update, set }) {
  if (table === 'head') return { ...log, head: set.size };
  let rows = log[table] ?? [];
  if (insert) rows = [...rows, insert];
  if (gone) rows = rows.filter((row) => !matches(row, gone));
  if (update) rows = rows.map((row) => (matches(row, update) ? { ...row, ...set } : row));
  const place = (one, other) =>
    (one.level ?? 0) - (other.level ?? 0) || (one.idx ?? 0) - (other.idx ?? 0);
  return { ...log, [table]: [...rows].sort(place) };
}

const files = new Map();

function readLog(path) {
  if (!files.has(path)) files.set(path, JSON.parse(fs.readFileSync(path, 'utf8')).log);
  return files.get(path);
}

const shown = (field) => ({
  name: field.name,
  value: encode(field.value).toString('hex'),
  salt: field.salt.toString('hex'),
  commitment: field.commitment.toString('hex'),
});

const JOBS = {
  log: ({ log, changes, keys, earlier }) => {
    const given = typeof log === 'string' ? readLog(log) : log;
    return verifyLog((changes ?? []).reduce(change, given), keys, earlier ?? []);
  },
  canonical: ({ bytes }) => orRefused(() => encode(decode(hex(bytes))).toString('hex')),
  time: ({ time }) => microseconds(time) !== null,
  verifier_key: ({ text }) => orRefused(() => new VerifierKey(text).digest().toString('hex')),
  checkpoint: ({ note, keys }) =>
    orRefused(() => {
      const opened = openCheckpoint(note, keys.map((key) => new VerifierKey(key)));
      return opened === null ? 'refused' : opened.size;
    }),
  hashes: ({ entries }) => {
    const leaves = entries.map((entry) => leafHash(hex(entry)));
    const roots = leaves.map((_, size) => rootOf(leaves.slice(0, size)));
    return {
      leaf_hashes: leaves.map((leaf) => leaf.toString('hex')),
      roots: [...roots, rootOf(leaves)].map((root) => root.toString('hex')),
    };
  },
  payload: ({ payload, event_id: id }) => {
    const opened = openClear(hex(id), decodePayload(hex(payload)));
    return { root: opened.root.toString('hex'), fields: opened.fields.map(shown) };
  },
  entry: ({ entry }) => orRefused(() => decodeEntry(hex(entry)).kind),
  sealed: ({ entry, payload, keys, origin }) =>
    orRefused(() => {
      const { content } = decodeEntry(hex(entry));
      const { parts } = decodePayload(hex(payload));
      return {
        root: sealedRoot(parts.map(rootOfPart)).toString('hex'),
        parts: parts.map((part) => {
          const key = part.key && keys[part.key.toString('hex')];
          const opened = key && openClear(content.get('id'), openPart(content, part, hex(key), origin));
          return { root: rootOfPart(part).toString('hex'), fields: opened ? opened.fields.map(shown) : null };
        }),
      };
    }),
  disclosure: ({ text, keys }) =>
    verifyDisclosure(Buffer.from(text), keys.map((key) => new VerifierKey(key))),
  proof: ({ text, keys }) => verifyProof(Buffer.from(text), keys.map((key) => new VerifierKey(key))),
  proof_form: ({ text }) => orRefused(() => parseProof(Buffer.from(text)).index),
  consistency: (job) =>
    followsConsistency(job.old, hex(job.old_root), job.new, hex(job.new_root), job.proof.map(hex)),
};

const jobs = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
process.stdout.write(JSON.stringify(jobs.map((job) => JOBS[job.job](job))) + '\n');
