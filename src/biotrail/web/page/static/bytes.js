// Bytes and the small texts of C2SP, read strictly: each value has one spelling.

export class Refused extends Error {}

export const MAX_SIZE = 2n ** 63n - 1n;

export function refuse(message) {
  throw new Refused(message);
}

export function hex(bytes) {
  return Array.from(bytes, (one) => one.toString(16).padStart(2, "0")).join("");
}

export function equal(one, other) {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}

export function joined(...parts) {
  const all = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

export function utf8(text) {
  return new TextEncoder().encode(text);
}

// Text from bytes; a byte order mark is a character like any other.
export function textOf(bytes, what) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return refuse(`${what} is not UTF-8`);
  }
}

export function toBase64(bytes) {
  return btoa(Array.from(bytes, (one) => String.fromCharCode(one)).join(""));
}

// Bytes of canonical base64: with padding, spare bits zero.
export function fromBase64(text, what) {
  let bytes = null;
  try {
    bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  } catch {
    refuse(`${what} is not base64`);
  }
  if (text === "" || toBase64(bytes) !== text) refuse(`${what} is not canonical base64`);
  return bytes;
}

export function hashFrom(text, what) {
  const bytes = fromBase64(text, what);
  if (bytes.length !== 32) refuse(`${what} has ${bytes.length} bytes, a hash has 32`);
  return bytes;
}

export function numberFrom(text, what) {
  if (!/^(0|[1-9][0-9]{0,18})$/.test(text) || BigInt(text) > MAX_SIZE) {
    refuse(`${what} is not a plain decimal number: ${text.slice(0, 40)}`);
  }
  return BigInt(text);
}

export function checkName(name, what) {
  // White space is what Python's str.isspace says, by which names are checked elsewhere.
  if (name === "" || /[+\u0000-\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/u.test(name)) {
    refuse(`${what} is empty, or has a space, a plus sign or a control character`);
  }
}

export async function sha256(...parts) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", joined(...parts)));
}
