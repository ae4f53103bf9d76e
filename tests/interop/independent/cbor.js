'use strict';
// Strict decoding of the canonical form (docs/spec/canonical-form.md).
// Values: BigInt, Buffer, string, Array, Map (text to value), true, false, null.

class Malformed extends Error {}

const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const MOST_DEEP = 8;
const LONGEST_KEY = 23;

function decodeUtf8(bytes) {
  try {
    return text.decode(bytes);
  } catch {
    throw new Malformed('not UTF-8');
  }
}

class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  take(count) {
    if (count > this.bytes.length - this.at) throw new Malformed('ends too soon');
    const part = this.bytes.subarray(this.at, this.at + count);
    this.at += count;
    return part;
  }

  // Initial byte and argument, in the shortest form only.
  head() {
    const initial = this.take(1)[0];
    const major = initial >> 5;
    const info = initial & 31;
    if (major === 7) {
      if (info < 20 || info > 22) throw new Malformed('no such simple value');
      return { major, argument: BigInt(info) };
    }
    if (info < 24) return { major, argument: BigInt(info) };
    if (info > 27) throw new Malformed('indefinite or reserved length');
    const width = 1 << (info - 24);
    const argument = BigInt('0x' + this.take(width).toString('hex'));
    const least = width === 1 ? 24n : 1n << BigInt(4 * width);
    if (argument < least) throw new Malformed('longer than needed');
    return { major, argument };
  }

  length(argument) {
    if (argument > BigInt(this.bytes.length)) throw new Malformed('ends too soon');
    return Number(argument);
  }

  text(argument) {
    const value = decodeUtf8(this.take(this.length(argument)));
    if (value.normalize('NFC') !== value) throw new Malformed('not in form C');
    return value;
  }

  value(depth) {
    const { major, argument } = this.head();
    switch (major) {
      case 0:
        return argument;
      case 1:
        return -1n - argument;
      case 2:
        return Buffer.from(this.take(this.length(argument)));
      case 3:
        return this.text(argument);
      case 7:
        return [false, true, null][Number(argument) - 20];
      case 6:
        throw new Malformed('a tag');
    }
    if (depth === MOST_DEEP) throw new Malformed('nested too deep');
    const count = this.length(argument);
    return major === 4 ? this.array(count, depth + 1) : this.map(count, depth + 1);
  }

  array(count, depth) {
    const items = [];
    for (let i = 0; i < count; i++) items.push(this.value(depth));
    return items;
  }

  map(count, depth) {
    const pairs = new Map();
    let before = null;
    for (let i = 0; i < count; i++) {
      const begin = this.at;
      const { major, argument } = this.head();
      if (major !== 3 || argument < 1n || argument > BigInt(LONGEST_KEY)) {
        throw new Malformed('a key is text of 1 to 23 bytes');
      }
      const key = this.text(argument);
      const encoded = this.bytes.subarray(begin, this.at);
      if (before !== null && Buffer.compare(before, encoded) >= 0) {
        throw new Malformed('keys out of order or repeated');
      }
      before = encoded;
      pairs.set(key, this.value(depth));
    }
    return pairs;
  }
}

function decode(bytes) {
  const reader = new Reader(bytes);
  const value = reader.value(0);
  if (reader.at !== bytes.length) throw new Malformed('bytes after the value');
  return value;
}

function encodeHead(major, argument) {
  const top = major << 5;
  if (argument < 24n) return Buffer.from([top | Number(argument)]);
  for (const [info, width] of [[24, 1], [25, 2], [26, 4], [27, 8]]) {
    if (argument < 1n << BigInt(8 * width)) {
      const digits = argument.toString(16).padStart(2 * width, '0');
      return Buffer.concat([Buffer.from([top | info]), Buffer.from(digits, 'hex')]);
    }
  }
  throw new Malformed('beyond 64 bits');
}

// The canonical form of a value that came from `decode`.
function encode(value) {
  if (value === false) return Buffer.from([0xf4]);
  if (value === true) return Buffer.from([0xf5]);
  if (value === null) return Buffer.from([0xf6]);
  if (typeof value === 'bigint') {
    return value >= 0n ? encodeHead(0, value) : encodeHead(1, -1n - value);
  }
  if (Buffer.isBuffer(value)) {
    return Buffer.concat([encodeHead(2, BigInt(value.length)), value]);
  }
  if (typeof value === 'string') {
    const bytes = Buffer.from(value, 'utf8');
    return Buffer.concat([encodeHead(3, BigInt(bytes.length)), bytes]);
  }
  if (Array.isArray(value)) {
    return Buffer.concat([encodeHead(4, BigInt(value.length)), ...value.map(encode)]);
  }
  const parts = [...value].map(([key, item]) => [encode(key), encode(item)]);
  parts.sort((one, other) => Buffer.compare(one[0], other[0]));
  return Buffer.concat([encodeHead(5, BigInt(parts.length)), ...parts.flat()]);
}

const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const TIME = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)\.(\d{6})Z$/;

function isLeap(year) {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

// Microseconds since 1970 of a time, or null where the text is none.
function microseconds(time) {
  const found = typeof time === 'string' && time.length === 27 ? TIME.exec(time) : null;
  if (!found) return null;
  const [year, month, day, hour, minute, second, fraction] = found.slice(1).map(Number);
  if (year < 1 || month < 1 || month > 12 || hour > 23 || minute > 59 || second > 59) return null;
  const days = month === 2 && isLeap(year) ? 29 : DAYS[month - 1];
  if (day < 1 || day > days) return null;
  // Date.UTC takes years below 100 for those of the last century.
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second);
  return BigInt(date.getTime()) * 1000n + BigInt(fraction);
}

module.exports = { Malformed, decode, encode, decodeUtf8, microseconds };
