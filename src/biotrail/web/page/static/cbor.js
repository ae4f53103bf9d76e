// Canonical CBOR, as docs/spec/canonical-form.md defines it: every value has one encoding.

import { hex, refuse, textOf } from "./bytes.js";

const DEEPEST = 8;

// A byte string, told from text when it is shown.
export class Bytes {
  constructor(bytes) {
    this.bytes = bytes;
  }

  toJSON() {
    return `h'${hex(this.bytes)}'`;
  }
}

class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  take(count) {
    if (this.at + count > this.bytes.length) refuse("the CBOR ends too soon");
    this.at += count;
    return this.bytes.subarray(this.at - count, this.at);
  }

  head() {
    const first = this.take(1)[0];
    const kind = first >> 5;
    const short = first & 31;
    if (short < 24) return [kind, BigInt(short), first];
    if (short > 27) refuse("the CBOR has a length that is not definite");
    const width = 1 << (short - 24);
    const value = this.take(width).reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
    const least = width === 1 ? 24n : 1n << BigInt((width / 2) * 8);
    if (value < least) refuse("the CBOR has a number that is not in its shortest form");
    return [kind, value, first];
  }

  value(depth) {
    const [kind, number, first] = this.head();
    if (kind === 0) return number;
    if (kind === 1) return -1n - number;
    if (kind === 2) return new Bytes(this.take(this.count(number)));
    if (kind === 3) return this.text(number);
    if (depth >= DEEPEST && (kind === 4 || kind === 5)) refuse("the CBOR is nested too deeply");
    if (kind === 4) return this.array(this.count(number), depth + 1);
    if (kind === 5) return this.map(this.count(number), depth + 1);
    const simple = { 0xf4: false, 0xf5: true, 0xf6: null };
    return first in simple ? simple[first] : refuse("the CBOR has a value of a kind not allowed");
  }

  count(number) {
    if (number > BigInt(this.bytes.length)) refuse("the CBOR ends too soon");
    return Number(number);
  }

  text(number) {
    const text = textOf(this.take(this.count(number)), "a text in the CBOR");
    if (text.normalize("NFC") !== text) refuse("a text in the CBOR is not in Unicode form C");
    return text;
  }

  array(count, depth) {
    return Array.from({ length: count }, () => this.value(depth));
  }

  map(count, depth) {
    const found = new Map();
    let before = "";
    for (let one = 0; one < count; one += 1) {
      const start = this.at;
      const key = this.value(depth);
      const encoded = hex(this.bytes.subarray(start, this.at));
      const size = this.at - start - 1;
      if (typeof key !== "string" || size < 1 || size > 23) refuse("a map in the CBOR has a key not allowed");
      if (encoded <= before) refuse("the keys of a map in the CBOR are not in order");
      before = encoded;
      found.set(key, this.value(depth));
    }
    return found;
  }
}

// The value that bytes stand for, and nothing after it.
export function decode(bytes, depth = 0) {
  const reader = new Reader(bytes);
  const value = reader.value(depth);
  if (reader.at !== bytes.length) refuse("there are bytes after the CBOR value");
  return value;
}

// The same value with plain objects and text, to be shown.
export function readable(value) {
  if (typeof value === "bigint") {
    return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
  }
  if (Array.isArray(value)) return value.map(readable);
  if (value instanceof Map) {
    return Object.fromEntries([...value].map(([key, one]) => [key, readable(one)]));
  }
  return value;
}
