'use strict';
// A whole log, in its JSON form (docs/spec/verification.md, sqlite.md, tiles.md, vectors.md).
const { Malformed, microseconds } = require('./cbor.js');
const { Tree, leafHash, EMPTY } = require('./tree.js');
const { VerifierKey, readCheckpoint, openCheckpoint, firstSigner } = require('./note.js');
const { readHead, decodeEntry } = require('./entry.js');
const { decodePayload, leadsToRoot, ownersOf } = require('./payload.js');
const { Keys, Refused } = require('./keys.js');

const WIDTH = 256;
const ABOUT_KEYS = ['genesis', 'key_added', 'key_retired', 'key_compromised'];

function refuse(verdict, index = null) {
  throw new Refused(verdict, index);
}

// What an act returns, or null where bytes are malformed.
function attempt(act) {
  try {
    return act();
  } catch (error) {
    if (error instanceof Malformed) return null;
    throw error;
  }
}

class Log {
  constructor(json) {
    this.head = json.head;
    this.entries = json.entries.map((row) => ({ ...row, data: Buffer.from(row.entry, 'hex') }));
    this.people = new Map((json.sealed ?? []).map((row) => [row.idx, row]));
    this.payloadRows = [...json.payloads, ...(json.sealed ?? [])];
    this.payloads = new Map();
    for (const row of this.payloadRows) {
      const here = this.payloads.get(row.idx) ?? [];
      this.payloads.set(row.idx, [...here, Buffer.from(row.payload, 'hex')]);
    }
    this.tiles = new Map(
      json.tiles.map((row) => [`${row.level}/${row.idx}`, Buffer.from(row.hashes, 'hex')]),
    );
    this.tileRows = json.tiles;
    this.known = new Set(
      json.subjects.map((row) => JSON.stringify([row.tenant, row.identity, row.reference])),
    );
    for (const row of this.entries) {
      row.index = row.idx;
      row.leaf = leafHash(row.data);
      row.top = readHead(row.data);
    }
    this.destroyed = null;
    this.rows = this.entries.filter((row) => row.index >= 0);
    const reach = (indices) => indices.reduce((most, index) => Math.max(most, index + 1), 0);
    this.reach = reach(this.rows.map((row) => row.index));
    this.payloadReach = reach([...this.payloads.keys()]);
  }

  tile(level, number) {
    return this.tiles.get(`${level}/${number}`) ?? null;
  }

  tileLeaf(index) {
    const tile = this.tile(0, Math.floor(index / WIDTH));
    const at = (index % WIDTH) * 32;
    return tile !== null && tile.length === 32 * WIDTH ? tile.subarray(at, at + 32) : null;
  }
}

// --- what was destroyed (docs/spec/erasure.md) ---------------------------------------------

class Destroyed {
  constructor(entries) {
    this.erased = new Map();
    this.rules = [];
    entries.forEach((entry, i) => {
      if (entry?.kind === 'subject_erased') {
        const reach = Math.min(Number(entry.content.get('through')), i);
        for (const one of entry.content.get('references')) {
          const name = one.toString('hex');
          this.erased.set(name, Math.max(reach, this.erased.get(name) ?? 0));
        }
      } else if (entry?.kind === 'retention_applied') {
        for (const rule of entry.content.get('rules')) this.rules.push({ at: i, rule });
      }
    });
  }

  isErased(i, reference) {
    return Boolean(reference) && (this.erased.get(reference.toString('hex')) ?? 0) > i;
  }

  isRetained(i, { recorded, content }) {
    const names = ['action', 'tenant', 'outcome', 'modality'];
    return this.rules.some(
      ({ at, rule }) =>
        at > i &&
        recorded < rule.get('before') &&
        names.every((name) => !rule.has(name) || rule.get(name) === content.get(name)),
    );
  }

  isLawful(i, entry, reference) {
    return this.isErased(i, reference) || this.isRetained(i, entry);
  }
}

// --- 3. the walk ---------------------------------------------------------------------------

class Walk {
  constructor(log, count, trusted) {
    this.log = log;
    this.rows = log.rows.filter((row) => row.index < count);
    this.count = count;
    this.prev = Buffer.alloc(32);
    this.before = Buffer.alloc(32);
    this.time = '';
    this.tree = new Tree();
    this.prior = this.tree;
    this.roots = [EMPTY];
    this.trusted = trusted;
    this.keys = new Keys(trusted[0].name);
    this.good = 0;
    this.waiting = null;
    this.doubt = null;
    this.signers = new Set();
    this.signed = [];
    this.decoded = [];
  }

  run() {
    this.rows.forEach((row, i) => {
      const following = this.rows[i + 1] ?? null;
      this.checkPlace(row, i, following);
      this.checkLink(row, i, following);
      this.take(row, i);
    });
    this.judge();
    if (this.rows.length < this.count) this.refuseHole(this.rows.length);
    if (this.good < this.count) {
      const inserted = this.log.head < this.count && this.good >= this.log.head;
      refuse(inserted ? 'inserted' : 'truncated', this.good);
    }
    if (this.log.head !== this.count) refuse('altered', this.log.head);
    this.checkTiles(0);
    this.checkTiles(1);
  }

  refuseHole(i) {
    refuse(i < this.log.head ? 'missing' : 'inserted', i);
  }

  witness(i, following) {
    const tile = this.log.tileLeaf(i);
    if (tile !== null) return tile;
    const top = following?.top;
    return top && top.index === BigInt(i + 1) ? top.prev : null;
  }

  isContradicted(row, i, following) {
    const witness = this.witness(i, following);
    if (witness !== null) return !witness.equals(row.leaf);
    if (row.checkpoint === null) return false;
    const claimed = attempt(() => readCheckpoint(row.checkpoint));
    const tree = this.tree.size === i ? this.tree.with(row.leaf) : this.tree;
    return claimed === null || !claimed.root.equals(tree.root());
  }

  isDue(row, i) {
    return Boolean(row?.top) && row.top.index === BigInt(i) && row.top.prev.equals(this.prev);
  }

  isNextInPlace(row, i, following) {
    if (following) return Boolean(following.top) && following.top.index === BigInt(i + 1);
    if (row.checkpoint === null) return false;
    return attempt(() => readCheckpoint(row.checkpoint))?.size === i + 1;
  }

  displacement() {
    const last = this.log.rows.find((row) => row.index === this.count - 1 && row.checkpoint !== null);
    const claimed = last && attempt(() => readCheckpoint(last.checkpoint));
    return claimed ? claimed.size - (last.index + 1) : 0;
  }

  checkPlace(row, i, following) {
    try {
      this.judgePlace(row, i, following);
    } catch (verdict) {
      if (verdict instanceof Refused) this.judge();
      throw verdict;
    }
  }

  judgePlace(row, i, following) {
    if (row.index !== i) this.refuseHole(i);
    if (row.top === null) {
      refuse(this.isContradicted(row, i, following) ? 'altered' : 'malformed', i);
    }
    const { index, prev } = row.top;
    if (index === BigInt(i)) return;
    const tile = this.log.tileLeaf(i);
    if (prev.equals(this.prev) && !(tile && tile.equals(row.leaf))) refuse('altered', i);
    if (index < BigInt(i)) this.judgeLower(row, i, following);
    this.judgeHigher(row, i, following);
  }

  judgeLower(row, i, following) {
    const { index, prev } = row.top;
    if (index === BigInt(i - 1) && prev.equals(this.before) && !row.leaf.equals(this.prev)) {
      const true_ = this.log.tileLeaf(i - 1) ?? following?.top?.prev ?? null;
      refuse('inserted', true_ && true_.equals(row.leaf) ? i - 1 : i);
    }
    refuse(this.isNextInPlace(row, i, following) ? 'altered' : 'inserted', i);
  }

  judgeHigher(row, i, following) {
    const later = this.rows.filter((other) => other.index > row.index);
    const again = () => later.some((other) => other.data.equals(row.data));
    if (this.isDue(following, i) && (row.top.index >= BigInt(this.count) || again())) {
      refuse('inserted', i);
    }
    if (later.some((other) => this.isDue(other, i))) refuse('reordered', i);
    refuse(this.isNextInPlace(row, i, following) ? 'altered' : 'missing', i);
  }

  checkLink(row, i, following) {
    const { prev, recorded } = row.top;
    if (!prev.equals(this.prev)) this.judgeLink(row, i, following);
    if (recorded < this.time) this.doubt ??= new Refused('malformed', i);
  }

  judgeLink(row, i, following) {
    const { prev } = row.top;
    if (i === 0) refuse('altered', 0);
    if (prev.equals(this.before) && i > 1) refuse('inserted', i - 1);
    this.judge();
    const tile = this.log.tileLeaf(i - 1);
    if (this.good < i && tile !== null && !tile.equals(this.prev)) refuse('altered', i - 1);
    if (this.good < i && this.isVouchedFor(row, this.prior.with(prev).with(row.leaf))) {
      refuse('altered', i - 1);
    }
    const speaks = tile?.equals(this.prev) && !this.log.tileLeaf(i)?.equals(row.leaf);
    const holds = this.good === i || speaks || this.isVouchedFor(row, this.treeWhenMended(row));
    const lost = this.log.tileLeaf(i)?.equals(prev);
    if (lost || (holds && this.displacement() > 0)) refuse('missing', i);
    const witness = this.witness(i, following);
    if (holds || (witness !== null && !witness.equals(row.leaf))) refuse('altered', i);
    refuse('altered', i - 1);
  }

  treeWhenMended(row) {
    const at = row.data.length - row.top.body.length - 61;
    const mended = Buffer.concat([row.data.subarray(0, at), this.prev, row.data.subarray(at + 32)]);
    return this.tree.with(leafHash(mended));
  }

  // Whether a row's checkpoint is just that of a tree, signed by a key added so far.
  isVouchedFor(row, tree) {
    const claimed = row.checkpoint === null ? null : attempt(() => readCheckpoint(row.checkpoint));
    if (claimed === null || claimed.origin !== this.keys.origin) return false;
    const fits = claimed.size === tree.size && claimed.root.equals(tree.root());
    return fits && firstSigner(claimed.note, this.keys.all) !== null;
  }

  take(row, i) {
    [this.before, this.prev, this.time] = [this.prev, row.leaf, row.top.recorded];
    [this.prior, this.tree] = [this.tree, this.tree.with(row.leaf)];
    this.roots.push(this.tree.root());
    const entry = attempt(() => decodeEntry(row.data));
    this.decoded.push(entry);
    if (entry === null) this.doubt ??= new Refused('malformed', i);
    else if (i === 0 && entry.kind !== 'genesis') refuse('wrong key', 0);
    if (ABOUT_KEYS.includes(entry?.kind)) this.takeKeys(i, entry);
    if (row.checkpoint !== null) {
      this.judge();
      this.waiting = { c: i, text: row.checkpoint, root: this.tree.root() };
    }
  }

  takeKeys(i, { kind, content }) {
    this.judge();
    try {
      this.keys.apply(i, kind, content);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.doubt ??= error;
    }
  }

  judge() {
    if (this.waiting === null) return;
    const { c, text, root } = this.waiting;
    this.waiting = null;
    const claimed = attempt(() => readCheckpoint(text));
    if (claimed === null) refuse('altered', c);
    if (claimed.origin !== this.keys.origin) refuse('wrong key', this.good === 0 ? 0 : c);
    if (claimed.note.signatures[0].name !== claimed.origin) refuse('altered', c);
    const signer = firstSigner(claimed.note, this.keys.all);
    const fits = claimed.size === c + 1 && claimed.root.equals(root);
    if (fits && this.doubt !== null && this.doubt.index <= c) {
      if (firstSigner(claimed.note, [...this.keys.all, ...this.trusted])) throw this.doubt;
    }
    if (this.keys.all.length === 0) refuse('altered', 0);
    if (signer === null) this.judgeUnsigned(claimed.note, c, fits);
    if (claimed.size === c + 1 && !this.keys.inForce(signer, c + 1)) refuse('wrong key', c);
    if (claimed.size !== c + 1) this.judgeMoved(c, claimed);
    if (!claimed.root.equals(root)) this.refuseBatch(c);
    this.keys.settle(c + 1, signer);
    this.signers.add(signer.text);
    this.signed.push({ size: c + 1, signer });
    this.good = c + 1;
  }

  // Runs of entries that are not to be believed: first, last, and the key that signed.
  affected() {
    const disbelieved = this.keys.disbelieved();
    const runs = [];
    let begin = 0;
    for (const { size, signer } of this.signed) {
      const first = Math.max(begin, disbelieved.get(this.keys.find(signer)) ?? size);
      const before = runs.at(-1);
      if (first < size && before?.key === signer.text && before.last === first - 1) {
        before.last = size - 1;
      } else if (first < size) {
        runs.push({ first, last: size - 1, key: signer.text });
      }
      begin = size;
    }
    return runs;
  }

  judgeUnsigned(note, c, fits) {
    const keys = this.keys.all;
    const isKnown = note.signatures.some((line) => keys.some((key) => key.id.equals(line.id)));
    const isOurs = () =>
      note.signatures.some((line) => keys.some((key) => key.verifies(note.message, line.signature)));
    if (fits && !isKnown && !isOurs()) refuse('wrong key', c);
    refuse('altered', (fits ? this.firstUnlikeTile(c) : null) ?? c);
  }

  refuseBatch(c) {
    refuse('altered', this.firstUnlikeTile(c) ?? this.firstContradicted(c) ?? this.good);
  }

  judgeMoved(c, { size, root }) {
    const displaced = this.displacement();
    const isOfRowsSeen = displaced === 0 && this.good < size && size <= c;
    if (isOfRowsSeen && !this.roots[size].equals(root)) this.refuseBatch(size - 1);
    if (displaced === 0) refuse('altered', c);
    refuse(displaced > 0 ? 'missing' : 'inserted', this.firstUnlikeTile(c) ?? this.good);
  }

  firstUnlikeTile(c) {
    for (let j = this.good; j <= c; j++) {
      const tile = this.log.tileLeaf(j);
      if (tile !== null && !tile.equals(this.rows[j].leaf)) return j;
    }
    return null;
  }

  firstContradicted(c) {
    for (let j = this.good; j <= c; j++) {
      try {
        checkBeside(this.log, this.rows[j], j, attempt(() => decodeEntry(this.rows[j].data)));
      } catch (error) {
        if (error instanceof Refused) return j;
        throw error;
      }
    }
    return null;
  }

  // Full tiles of a level against the hashes that follow from the entries.
  checkTiles(level) {
    const span = WIDTH ** (level + 1);
    for (let number = 0; (number + 1) * span <= this.count; number++) {
      const tile = this.log.tile(level, number);
      const first = number * span;
      if (tile === null) refuse('missing', first);
      if (tile.length !== 32 * WIDTH) refuse('altered', first);
      const unlike = this.trueTile(level, number).findIndex(
        (hash, i) => !hash.equals(tile.subarray(i * 32, i * 32 + 32)),
      );
      if (unlike >= 0) refuse('altered', level === 0 ? first + unlike : first);
    }
  }

  trueTile(level, number) {
    const step = WIDTH ** level;
    return Array.from({ length: WIDTH }, (_, i) => {
      const tree = new Tree();
      const begin = (number * WIDTH + i) * step;
      for (let j = begin; j < begin + step; j++) tree.append(this.rows[j].leaf);
      return tree.root();
    });
  }
}

// --- 4. beside the entries -----------------------------------------------------------------

function columnsOf(entry) {
  const columns = { kind: entry.kind, recorded: String(microseconds(entry.recorded)) };
  const names = ['action', 'target', 'modality', 'decision', 'outcome', 'reason', 'tenant'];
  const rest = ['event_id', 'occurred', ...names, 'matcher', 'subject'];
  for (const name of rest) columns[name] = null;
  if (entry.kind !== 'event') return columns;
  const content = entry.content;
  for (const name of names) columns[name] = content.get(name) ?? null;
  columns.event_id = content.get('id').toString('hex');
  columns.occurred = String(microseconds(content.get('occurred')));
  columns.matcher = content.get('comparison')?.get('matcher') ?? null;
  columns.subject = content.get('subject')?.toString('hex') ?? null;
  return columns;
}

// The payload of an entry, or null where there rightly is none.
function checkPayload(log, i, entry) {
  const stored = log.payloads.get(i) ?? [];
  const root = entry.kind === 'event' ? (entry.content.get('payload') ?? null) : null;
  if (root === null) {
    if (stored.length) refuse('altered', i);
    return null;
  }
  if (!stored.length) {
    const owners = ownersOf(entry.content);
    if (!owners.every((one) => log.destroyed.isLawful(i, entry, one.reference))) refuse('missing', i);
    return null;
  }
  const payload = stored.length === 1 ? attempt(() => decodePayload(stored[0])) : null;
  if (payload === null || !leadsToRoot(entry.content, payload)) refuse('altered', i);
  if (payload.version === 2) checkRemnants(log, i, entry, payload.parts);
  return payload;
}

// Whose a sealed payload is, as the columns beside it say.
function checkPeople(log, i, entry) {
  const row = log.people.get(i);
  if (row === undefined) return;
  const named = (name) => (entry.kind === 'event' ? entry.content.get(name)?.toString('hex') : null) ?? null;
  const [subject, actor] = [named('subject'), named('actor')];
  if (row.subject !== subject || row.actor !== (actor === subject ? null : actor)) refuse('altered', i);
}

function checkRemnants(log, i, entry, parts) {
  const owners = ownersOf(entry.content);
  parts.forEach((part, number) => {
    if (part.root && !log.destroyed.isLawful(i, entry, owners[number].reference)) refuse('missing', i);
  });
}

function checkBeside(log, row, i, entry) {
  if (entry === null) refuse('malformed', i);
  const columns = columnsOf(entry);
  if (Object.keys(columns).some((name) => columns[name] !== row[name])) refuse('altered', i);
  checkPeople(log, i, entry);
  const payload = checkPayload(log, i, entry);
  if (payload !== null && log.people.has(i) !== (payload.version === 2)) refuse('altered', i);
  if (payload?.version !== 1) return;
  const subject = payload.fields.get('subject');
  if (!(subject instanceof Map) || typeof subject.get('id') !== 'string') return;
  const reference = entry.content.get('subject')?.toString('hex') ?? null;
  if (log.destroyed.isErased(i, entry.content.get('subject'))) return;
  const known = JSON.stringify([entry.content.get('tenant') ?? '', subject.get('id'), reference]);
  if (!log.known.has(known)) refuse('missing', i);
}

// --- the steps -----------------------------------------------------------------------------

function readKeys(texts) {
  const keys = texts.map((text) => attempt(() => new VerifierKey(text)));
  if (keys.includes(null)) refuse('malformed');
  if (new Set(keys.map((key) => key.name)).size !== 1) refuse('wrong key');
  return keys;
}

function readKept(texts, origin) {
  return texts.map((text) => {
    const read = attempt(() => readCheckpoint(text));
    if (read === null || read.size === 0) refuse('malformed');
    if (read.origin !== origin) refuse('wrong key');
    return { ...read, text };
  });
}

function checkNotShorter(size, kept, keys) {
  for (const one of kept.filter((other) => other.size > size)) {
    const known = keys.filter((key) => one.note.signatures.some((line) => key.id.equals(line.id)));
    if (known.length && openCheckpoint(one.text, known) === null) refuse('wrong key');
    refuse('rolled back', size);
  }
}

function walkedLog(log, kept, trusted) {
  if (log.head < 0) refuse('malformed');
  if (log.head === 0 && log.reach === 0 && log.payloadReach === 0) {
    checkNotShorter(0, kept, trusted);
    refuse('missing', 0);
  }
  if (log.reach < log.head || log.reach < log.payloadReach) {
    const hole = log.rows.findIndex((row, i) => row.index !== i);
    if (hole >= 0) refuse('missing', hole);
    refuse('truncated', log.reach);
  }
  log.destroyed = new Destroyed(log.rows.map((row) => attempt(() => decodeEntry(row.data))));
  const walk = new Walk(log, log.reach, trusted);
  walk.run();
  return walk;
}

function checkTrust(walk, trusted) {
  const isGround = (key) =>
    walk.keys.admitted.some((one) => one.genesis && one.key.text === key.text) ||
    walk.signers.has(key.text);
  if (!trusted.some(isGround)) refuse('wrong key', 0);
}

function checkOddTiles(log, size) {
  for (const { level, idx } of log.tileRows) {
    const span = WIDTH ** (Math.max(level, 0) + 1);
    if (level < 0 || idx < 0 || (idx + 1) * span > size) refuse('inserted', Math.max(idx, 0) * span);
  }
}

function checkContinues(walk, kept) {
  for (const one of kept) {
    const opened = openCheckpoint(one.text, walk.keys.all);
    if (opened === null) refuse('wrong key');
    if (!walk.keys.inForce(opened.signer, one.size)) refuse('wrong key', one.size - 1);
    if (!walk.roots[one.size].equals(one.root)) refuse('forked', one.size - 1);
  }
}

function judgeLog(json, keyTexts, earlier) {
  const trusted = readKeys(keyTexts);
  const kept = readKept(earlier, trusted[0].name);
  const log = new Log(json);
  const walk = walkedLog(log, kept, trusted);
  walk.decoded.forEach((entry, i) => checkBeside(log, log.rows[i], i, entry));
  checkTrust(walk, trusted);
  for (let level = 2; WIDTH ** (level + 1) <= log.head; level++) walk.checkTiles(level);
  checkOddTiles(log, log.head);
  checkNotShorter(log.head, kept, walk.keys.all);
  checkContinues(walk, kept);
  if ([...log.entries, ...log.tileRows].some((row) => row.idx < 0)) refuse('altered');
  if (log.payloadRows.some((row) => row.idx < 0)) refuse('altered');
  const complete = kept.map((one) => one.size);
  const root = walk.tree.root().toString('hex');
  return { size: log.head, root, complete_since: complete, affected: walk.affected() };
}

// The verdict on a log, with the first bad index.
function verifyLog(json, keys, earlier) {
  try {
    return { verdict: 'holds', index: null, ...judgeLog(json, keys, earlier) };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return { verdict: error.verdict, index: error.index };
  }
}

module.exports = { verifyLog };
