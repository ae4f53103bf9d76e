// References and the sign projection, written from docs/spec/references.md alone.
// node references.js <folder of the vectors> [random.json]: prints what disagrees, as JSON.

"use strict";

const crypto = require("crypto");
const fs = require("fs");
const path = require("path");

const sha256 = (...parts) => crypto.createHash("sha256").update(Buffer.concat(parts)).digest();
const ABSENT = -(2n ** 63n);

// --- sign projection ---------------------------------------------------------------------------

function keyId(key) {
  return sha256(Buffer.from("biotrail/sign-projection-key/1\n"), key).subarray(0, 8).toString("hex");
}

function doubles(bytes) {
  const values = [];
  for (let at = 0; at < bytes.length; at += 8) values.push(bytes.readDoubleLE(at));
  return values;
}

// A float64 as a whole number times a power of two.
function exact(value) {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  const raw = bytes.readBigUInt64BE();
  const stored = Number((raw >> 52n) & 0x7ffn);
  const fraction = raw & ((1n << 52n) - 1n);
  const magnitude = stored === 0 ? fraction : fraction | (1n << 52n);
  return { number: raw >> 63n ? -magnitude : magnitude, power: Math.max(stored, 1) - 1075 };
}

// The nearest whole number of number * 2^power, ties to even.
function nearest({ number, power }) {
  if (power >= 0) return number << BigInt(power);
  const sign = number < 0n ? -1n : 1n;
  const magnitude = number * sign;
  const shift = BigInt(-power);
  let whole = magnitude >> shift;
  const twice = (magnitude - (whole << shift)) * 2n;
  const one = 1n << shift;
  if (twice > one || (twice === one && whole % 2n === 1n)) whole += 1n;
  return sign * whole;
}

function wholeNumbers(values) {
  const parts = values.map(exact);
  let exponent = null;
  for (const { number, power } of parts) {
    if (number === 0n) continue;
    const digits = (number < 0n ? -number : number).toString(2).length;
    if (exponent === null || power + digits > exponent) exponent = power + digits;
  }
  if (exponent === null) throw new Error("zero");
  return parts.map(({ number, power }) => nearest({ number, power: power + 30 - exponent }));
}

function project(key, context, values, bits) {
  const shape = Buffer.alloc(8);
  shape.writeUInt32LE(values.length, 0);
  shape.writeUInt32LE(bits, 4);
  const stream = crypto
    .createHash("shake256", { outputLength: bits * values.length })
    .update(Buffer.concat([Buffer.from("biotrail/sign-projection/1\n"), key, context, shape]))
    .digest();
  const ones = (byte) => byte.toString(2).replace(/0/g, "").length;
  const numbers = wholeNumbers(values);
  const packed = Buffer.alloc(bits / 8);
  for (let row = 0; row < bits; row += 1) {
    let sum = 0n;
    for (let column = 0; column < values.length; column += 1) {
      sum += BigInt(ones(stream[row * values.length + column]) - 4) * numbers[column];
    }
    if (sum >= 0n) packed[row >> 3] |= 1 << (row & 7);
  }
  return packed;
}

// --- bytes of references -----------------------------------------------------------------------

function readReference(data) {
  let at = 0;
  const take = (count) => {
    if (at + count > data.length) throw new Error("cut off");
    at += count;
    return data.subarray(at - count, at);
  };
  const line = take(21).toString("latin1");
  if (line !== "biotrail/reference/1\n" && line !== "biotrail/reference/2\n") {
    throw new Error("first line");
  }
  take(32);
  const length = take(2).readUInt16LE();
  if (length > 128) throw new Error("id too long");
  new TextDecoder("utf-8", { fatal: true }).decode(take(length));
  if (line.includes("/1\n")) {
    const count = take(4).readUInt32LE();
    const values = doubles(take(8 * count));
    if (count < 1 || !values.every(Number.isFinite)) throw new Error("values");
  } else {
    readSecond(take);
  }
  if (at !== data.length) throw new Error("bytes after the last");
}

function readSecond(take) {
  const created = take(8).readBigInt64LE();
  const expires = take(8).readBigInt64LE();
  if (created !== ABSENT && expires !== ABSENT && expires <= created) throw new Error("times");
  const samples = take(2).readUInt16LE();
  const count = take(4).readUInt32LE();
  const form = take(1)[0];
  if (samples < 1 || count < 1) throw new Error("no values");
  if (form === 1) {
    if (count % 8) throw new Error("half a byte");
    take((samples * count) / 8);
    return;
  }
  if (form !== 0) throw new Error("form");
  const values = doubles(take(8 * samples * count));
  if (!values.every(Number.isFinite)) throw new Error("not finite");
  if (count % 8 === 0 && values.every((value) => Math.abs(value) === 1)) throw new Error("signs");
  if (samples === 1 && created === ABSENT && expires === ABSENT) throw new Error("version 1");
}

// --- the vectors -------------------------------------------------------------------------------

const hex = (text) => Buffer.from(text, "hex");
const wrong = [];

function checkProjection(name, { keys = [], projections }) {
  for (const one of keys) if (keyId(hex(one.key)) !== one.id) wrong.push([name, one.name]);
  projections.forEach((one, place) => {
    const centre = one.centre ? doubles(hex(one.centre)) : null;
    const values = doubles(hex(one.values)).map((value, n) => (centre ? value - centre[n] : value));
    const numbers = wholeNumbers(values).map(String);
    const bits = project(hex(one.key), hex(one.context), values, one.bits).toString("hex");
    if (numbers.join() !== one.whole_numbers.join()) wrong.push([name, place, "whole numbers"]);
    if (bits !== one.projected) wrong.push([name, place, "bits"]);
  });
}

function accepted(text) {
  try {
    readReference(hex(text));
    return true;
  } catch {
    return false;
  }
}

const folder = process.argv[2];
const load = (name) => JSON.parse(fs.readFileSync(name, "utf-8"));
checkProjection("projection.json", load(path.join(folder, "projection.json")));
const references = load(path.join(folder, "references.json"));
for (const one of references.accepted) if (!accepted(one.hex)) wrong.push(["refused", one.what]);
for (const one of references.refused) if (accepted(one.hex)) wrong.push(["accepted", one.why]);
if (process.argv[3]) checkProjection("random", load(process.argv[3]));
console.log(JSON.stringify(wrong));
