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
    } else if (kind === 'key_added') {
      this.add(index, content);
    } else if (kind === 'key_retired') {
      const one = this.admitted.find(({ key }) => key.text === content.get('key'));
      if (!one || one.retired !== undefined) throw new Refused('malformed', index);
      one.retired = index;
    }
  }

  add(index, content) {
    const key = this.read(index, content);
    if (this.all.some((other) => other.id.equals(key.id))) throw new Refused('malformed', index);
    if (content.get('purpose') === 'rotation') {
      if (this.commitment !== null && !this.commitment.equals(key.digest())) {
        throw new Refused('wrong key', index);
      }
      this.commitment = content.get('next') ?? null;
    }
    this.admitted.push({ key, added: index });
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
    const one = this.admitted.find((other) => other.key.text === key.text);
    if (!one || one.after === undefined || size <= one.after) return false;
    return one.until === undefined || size <= one.until;
  }

  // After a checkpoint of this size.
  settle(size) {
    for (const one of this.admitted) {
      if (one.after === undefined && one.added < size) one.after = size;
      if (one.until === undefined && one.retired < size) one.until = size;
    }
  }
}

module.exports = { Keys, Refused };
