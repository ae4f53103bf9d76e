'use strict';
// The life of keys (docs/spec/keys.md).
const { Malformed } = require('./cbor.js');
const { VerifierKey } = require('./note.js');

class Refused extends Error {
  constructor(verdict, index = null) {
    super(verdict);
    this.verdict = verdict;
    this.index = index;
  }
}

class Keys {
  constructor(origin) {
    this.origin = origin;
    this.admitted = [];
    this.commitment = null;
    this.stands = false;
    this.maker = null; // whose entry made the commitment, until its covering checkpoint is judged
    this.reports = [];
  }

  get all() {
    return this.admitted.map((one) => one.key);
  }

  apply(index, kind, content) {
    if (kind === 'genesis') {
      if (index !== 0) throw new Refused('malformed', index);
      if (content.get('origin') !== this.origin) throw new Refused('wrong key', 0);
      this.admitted.push({ key: this.read(index, content), added: index, after: 0, genesis: true });
      this.commitment = content.get('next') ?? null;
      this.stands = true;
    } else if (kind === 'key_added') {
      this.add(index, content);
    } else if (kind === 'key_retired') {
      const one = this.admitted.find(({ key }) => key.text === content.get('key'));
      if (!one || one.retired !== undefined) throw new Refused('malformed', index);
      one.retired = index;
    } else if (kind === 'key_compromised') {
      this.report(index, content);
    }
  }

  report(index, content) {
    const one = this.find(this.read(index, content));
    const since = Number(content.get('since'));
    if (!one || since > index) throw new Refused('malformed', index);
    one.retired ??= index;
    this.reports.push({ index, one, since, by: null });
  }

  find(key) {
    return this.admitted.find((other) => other.key.text === key.text);
  }

  add(index, content) {
    const key = this.read(index, content);
    if (this.all.some((other) => other.id.equals(key.id))) throw new Refused('malformed', index);
    const precommitted = this.stands && Boolean(this.commitment?.equals(key.digest()));
    if (content.get('purpose') === 'rotation') {
      if (this.commitment !== null && !this.commitment.equals(key.digest())) {
        throw new Refused('wrong key', index);
      }
      this.commitment = content.get('next') ?? null;
      this.stands = false;
      this.maker = key;
    }
    this.admitted.push({ key, added: index, precommitted });
  }

  read(index, content) {
    try {
      const key = new VerifierKey(content.get('key'));
      if (key.name === this.origin) return key;
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
    }
    throw new Refused('malformed', index);
  }

  inForce(key, size) {
    const one = this.find(key);
    if (!one) return false;
    if (one.after === undefined) return one.precommitted && one.retired === undefined;
    if (size <= one.after) return false;
    return one.until === undefined || size <= one.until;
  }

  // After a checkpoint of this size by this key.
  settle(size, signer) {
    const by = this.find(signer);
    const fresh = this.reports.filter((report) => report.by === null);
    for (const { index, one } of fresh) {
      if (!by.precommitted || by.added <= one.added) throw new Refused('wrong key', index);
    }
    for (const one of this.admitted.filter((other) => other.after === undefined)) {
      const isOwn = one.precommitted && one.retired === undefined;
      one.after = isOwn ? size - 1 : size;
      one.by = by;
    }
    if (this.maker !== null) this.stands = this.maker.text === signer.text;
    this.maker = null;
    for (const report of fresh) {
      report.by = by;
      for (const one of this.tainted(report).keys()) one.retired ??= report.index;
    }
    for (const one of this.admitted) {
      if (one.until === undefined && one.retired < size) one.until = size;
    }
  }

  // The keys that a report takes the trust from, with the index since when.
  tainted({ one: stolen, since }) {
    const found = new Map([[stolen, since]]);
    for (const one of this.admitted) {
      const from = one.by === undefined ? undefined : found.get(one.by);
      if (from <= one.added && !one.precommitted && !found.has(one)) found.set(one, one.added);
    }
    return found;
  }

  // The same of all reports that count, the last first.
  disbelieved() {
    const found = new Map();
    for (const report of [...this.reports].reverse()) {
      if (report.by === null || found.get(report.by) <= report.index) continue;
      for (const [one, since] of this.tainted(report)) {
        if (!(found.get(one) <= since)) found.set(one, since);
      }
    }
    return found;
  }
}

module.exports = { Keys, Refused };
