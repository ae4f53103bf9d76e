'use strict';
// Entries, their bodies' forms, and proof files
// (docs/spec/entry.md, event.md, erasure.md, biotrail.cddl, proof.md).
const { Malformed, decode, encode, decodeUtf8, microseconds } = require('./cbor.js');
const { leafHash, followsInclusion } = require('./tree.js');
const { readBase64, readNumber, readCheckpoint, openCheckpoint } = require('./note.js');

// --- forms ---------------------------------------------------------------------------------

const isText = (value) => typeof value === 'string' && value !== '';
const isInt = (value) => typeof value === 'bigint';
const isUint = (value) => isInt(value) && value >= 0n;
const isTime = (value) => microseconds(value) !== null;
const bytes = (size) => (value) => Buffer.isBuffer(value) && value.length === size;
const word = (...words) => (value) => words.includes(value);
const isMap = (value) => value instanceof Map;
const arrayOf = (check, least = 1) => (value) =>
  Array.isArray(value) && value.length >= least && value.every(check);
const isHostValue = (value) =>
  typeof value === 'string' || isInt(value) || typeof value === 'boolean' || Buffer.isBuffer(value);
const isHostValues = (value) =>
  isMap(value) && value.size > 0 && [...value.values()].every(isHostValue);

function form(required, optional = {}, least = 0) {
  return (value) =>
    isMap(value) &&
    value.size >= least &&
    Object.keys(required).every((key) => value.has(key)) &&
    [...value].every(([key, item]) => {
      const check = Object.hasOwn(required, key) ? required[key] : Object.hasOwn(optional, key) && optional[key];
      return check && check(item);
    });
}

const each = (check, ...names) => Object.fromEntries(names.map((name) => [name, check]));
const isVouched = word('attested', 'observed', 'proxy_asserted', 'client_claimed');
const comparison = form(
  { matcher: isText, version: isText, decision: word('match', 'non_match', 'undetermined') },
  {
    pad: word('bona_fide', 'attack', 'undetermined'),
    type: word('verification', 'identification'),
    digest: bytes(32),
    ...each(isText, 'metric', 'gallery', 'reference', 'calibration'),
    gallery_size: isUint,
    quality_micro: isInt,
    threshold_micro: isInt,
  },
);
const isOutcome = word('success', 'failure', 'unknown');
const location = form(
  { latitude_micro: isInt, longitude_micro: isInt },
  { accuracy_m: isUint, ...each(isText, 'country', 'region', 'city') },
);
const event = form(
  {
    id: bytes(16),
    action: isText,
    reason: isText,
    outcome: isOutcome,
    decision: word('granted', 'denied'),
    modality: isText,
    occurred: isTime,
  },
  {
    labels: isHostValues,
    target: isText,
    tenant: isText,
    context: form({}, each(isText, 'os', 'trace_id', 'request_id', 'device_model'), 1),
    factors: arrayOf(isText),
    payload: bytes(32),
    subject: bytes(16),
    comparison,
    provenance: form(
      {},
      each(
        isVouched, 'ip', 'os', 'location', 'trace_id', 'device_id', 'request_id', 'session_id',
        'user_agent', 'device_model',
      ),
      1,
    ),
    actor: bytes(16),
    ip: (value) => bytes(4)(value) || bytes(16)(value),
    location,
    ...each(isText, 'device_id', 'session_id', 'user_agent'),
    attributes: isHostValues,
    score_micro: isInt,
  },
);
const rule = form({ before: isTime }, { outcome: isOutcome, ...each(isText, 'action', 'tenant', 'modality') });
const KINDS = {
  genesis: form({ format: word('biotrail/1'), origin: isText, key: isText }, { next: bytes(32) }),
  event,
  key_added: form({ key: isText, purpose: word('rotation', 'writer') }, { next: bytes(32) }),
  key_retired: form({ key: isText, reason: isText }),
  key_compromised: form({ key: isText, since: isUint, reason: isText }),
  log_started: form({ writer: bytes(8), software: isText }),
  log_stopped: form({ writer: bytes(8) }),
  log_gap: form(
    { writer: bytes(8), since: isTime, until: isTime, reason: isText },
    { lost: isUint },
  ),
  configuration_changed: form({ setting: isText, digest: bytes(32) }, { before: bytes(32) }),
  subject_erased: form(
    {
      id: bytes(16),
      references: arrayOf(bytes(16)),
      fingerprints: arrayOf(bytes(32), 0),
      reason: isText,
      legal_basis: isText,
      through: isUint,
      payloads: isUint,
      requested: isTime,
    },
    { beyond: arrayOf(isText) },
  ),
  hold_placed: form(
    { id: bytes(16), references: arrayOf(bytes(16)), reason: isText },
    { until: isTime },
  ),
  hold_released: form({ id: bytes(16), reason: isText }),
  retention_applied: form(
    { id: bytes(16), policy: bytes(32), rules: arrayOf(rule), payloads: isUint },
    { held: isUint },
  ),
  log_read: form(
    { rows: isUint, reader: bytes(16), ...each(isText, 'route', 'purpose') },
    { event: bytes(16), tenant: isText, revealed: arrayOf(isText) },
  ),
};

// --- entries -------------------------------------------------------------------------------

const MOST_BYTES = 65535;

// The head of an entry, or null where it is not readable.
function readHead(data) {
  if (data.length > MOST_BYTES || data.length < 3 || data[0] !== 0x85 || data[1] !== 1) return null;
  const width = data[2] < 24 ? 0 : [1, 2, 4, 8][data[2] - 24];
  if (width === undefined || data.length < 3 + width + 36 + 27 + 1) return null;
  const index = width ? BigInt('0x' + data.subarray(3, 3 + width).toString('hex')) : BigInt(data[2]);
  if (!encode(index).equals(data.subarray(2, 3 + width))) return null;
  const at = 3 + width;
  const marks = data.subarray(at, at + 2).toString('hex') + data.subarray(at + 34, at + 36).toString('hex');
  const recorded = data.subarray(at + 36, at + 63);
  if (marks !== '5820781b' || recorded.some((byte) => byte > 127)) return null;
  return {
    index,
    prev: data.subarray(at + 2, at + 34),
    recorded: recorded.toString('latin1'),
    body: data.subarray(at + 63),
  };
}

function decodeEntry(data) {
  const head = readHead(data);
  if (head === null || !isTime(head.recorded)) throw new Malformed('no entry');
  const body = decode(head.body);
  if (!isMap(body) || body.size !== 1) throw new Malformed('a body is a map of one pair');
  const [[kind, content]] = body;
  if (!Object.hasOwn(KINDS, kind) || !KINDS[kind](content)) throw new Malformed('not of its form');
  return { ...head, kind, content };
}

// --- proof files ---------------------------------------------------------------------------

function parseProof(file) {
  if (file.length > 1048576) throw new Malformed('too long');
  const text = decodeUtf8(file);
  const end = text.indexOf('\n\n');
  const lines = text.slice(0, Math.max(end, 0)).split('\n');
  if (end < 0 || lines.shift() !== 'c2sp.org/tlog-proof@v1') throw new Malformed('no proof file');
  let extra = null;
  if (lines.length && lines[0].startsWith('extra ')) {
    extra = readBase64(lines.shift().slice(6));
    if (!extra.length) throw new Malformed('an empty extra');
  }
  if (!lines.length || !lines[0].startsWith('index ')) throw new Malformed('no index');
  const index = readNumber(lines.shift().slice(6));
  const hashes = lines.map(readBase64);
  if (hashes.length > 64 || hashes.some((hash) => hash.length !== 32)) {
    throw new Malformed('not a proof');
  }
  const note = text.slice(end + 2);
  const checkpoint = readCheckpoint(note);
  if (index >= checkpoint.size) throw new Malformed('an index beyond the tree');
  return { extra, index, hashes, note, checkpoint };
}

// What a proof file proves: its entry, decoded, and what `read` makes of its extra, a map. The verdict
// instead, where it proves nothing.
function openProof(file, keys, read) {
  let proof, data, rest;
  try {
    proof = parseProof(file);
    const extra = proof.extra === null ? null : decode(proof.extra);
    if (!isMap(extra) || !Buffer.isBuffer(extra.get('entry'))) return 'malformed';
    [data, rest] = [extra.get('entry'), read(extra)];
  } catch (error) {
    if (error instanceof Malformed) return 'malformed';
    throw error;
  }
  if (openCheckpoint(proof.note, keys) === null) return 'not signed';
  const { size, root } = proof.checkpoint;
  const leaf = leafHash(data);
  if (!followsInclusion(leaf, proof.index, size, proof.hashes, root)) return 'not proven';
  try {
    const entry = decodeEntry(data);
    return entry.index === BigInt(proof.index) ? { entry, rest } : 'malformed';
  } catch (error) {
    if (error instanceof Malformed) return 'malformed';
    throw error;
  }
}

function verifyProof(file, keys) {
  const opened = openProof(file, keys, (extra) => {
    if (extra.size !== 1) throw new Malformed('more than an entry');
  });
  return typeof opened === 'string' ? opened : 'holds';
}

module.exports = { bytes, isInt, isMap, isText, readHead, decodeEntry, openProof, parseProof, verifyProof };
