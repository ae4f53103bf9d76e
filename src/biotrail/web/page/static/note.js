// Signed notes, checkpoints and verifier keys (C2SP), and their signatures by WebCrypto.

import { checkName, fromBase64, hashFrom, hex, joined, numberFrom, refuse, sha256, utf8 } from "./bytes.js";

const ED25519 = 1;
const ECDSA_P256 = 2;
const NAMES = { [ED25519]: "Ed25519", [ECDSA_P256]: "ECDSA P-256" };
const MOST_SIGNATURES = 100;

export class Unsupported extends Error {}

export function parseNote(note) {
  const at = note.lastIndexOf("\n\n");
  const lines = note.slice(at + 2);
  if (at < 0 || !lines.endsWith("\n")) refuse("not a signed note: text, empty line, signature lines");
  const text = note.slice(0, at + 1);
  if (/[\u0000-\u0009\u000b-\u001f]/.test(text)) refuse("the note has a control character");
  const signatures = lines.slice(0, -1).split("\n").map(signatureLine);
  if (signatures.length > MOST_SIGNATURES) refuse(`a note has at most ${MOST_SIGNATURES} signatures`);
  return { text, signatures };
}

function signatureLine(line) {
  const parts = line.split(" ");
  if (parts.length !== 3 || parts[0] !== "\u2014") refuse("not a signature line");
  checkName(parts[1], "the name in a signature line");
  const data = fromBase64(parts[2], "a signature line");
  if (data.length < 5) refuse("a signature line has no key id or no signature");
  return { name: parts[1], keyId: data.subarray(0, 4), signature: data.subarray(4) };
}

export function parseCheckpoint(text) {
  const lines = text.split("\n");
  if (lines.length !== 4 || lines[3] !== "") refuse("a checkpoint is exactly three lines");
  checkName(lines[0], "the checkpoint's origin");
  return {
    origin: lines[0],
    size: numberFrom(lines[1], "the checkpoint's size"),
    root: hashFrom(lines[2], "the checkpoint's root"),
  };
}

// A verifier key as its text says; whether the key id is the key's own is another step.
export function parseKey(text) {
  const parts = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/u.exec(text);
  if (!parts) refuse("a verifier key is name+key id in 8 hex digits+base64 of the key");
  checkName(parts[1], "the name of the verifier key");
  const data = fromBase64(parts[3], "the key in the verifier key");
  const [algorithm, key] = [data[0], data.subarray(1)];
  if (!(algorithm in NAMES)) refuse(`the verifier key has an algorithm that is not known: ${algorithm}`);
  if (algorithm === ED25519 && key.length !== 32) refuse("an Ed25519 key has 32 bytes");
  return { text, name: parts[1], keyId: parts[2], algorithm, named: NAMES[algorithm], key };
}

// The key id that belongs to a key, in hexadecimal digits.
export async function keyIdOf(key) {
  const head = joined(utf8(key.name), Uint8Array.of(10, key.algorithm));
  const digest = await (key.algorithm === ED25519 ? sha256(head, key.key) : sha256(key.key));
  return hex(digest.subarray(0, 4));
}

// Whether a signature is the key's over a text. Throws Unsupported where the browser cannot tell.
export async function verifies(key, text, signature) {
  const isEdwards = key.algorithm === ED25519;
  const kind = isEdwards ? { name: "Ed25519" } : { name: "ECDSA", namedCurve: "P-256" };
  const raw = isEdwards ? signature : fixedWidth(signature);
  if (raw === null) return false;
  const loaded = await load(isEdwards ? "raw" : "spki", key.key, kind);
  if (loaded === null) return false;
  const how = isEdwards ? kind : { name: "ECDSA", hash: "SHA-256" };
  return crypto.subtle.verify(how, loaded, raw, utf8(text));
}

async function load(format, key, kind) {
  try {
    return await crypto.subtle.importKey(format, key, kind, false, ["verify"]);
  } catch (error) {
    if (error.name === "NotSupportedError") {
      throw new Unsupported(`this browser does not know ${kind.name} in WebCrypto`);
    }
    return null; // the key is not of its form
  }
}

// The two numbers of a DER signature in 32 bytes each, as WebCrypto takes them; null if not strict.
function fixedWidth(der) {
  if (der[0] !== 0x30 || der[1] !== der.length - 2 || der[1] > 127) return null;
  const first = whole(der, 2);
  const second = first && whole(der, first.next);
  if (!second || second.next !== der.length) return null;
  return joined(first.value, second.value);
}

function whole(der, at) {
  const size = der[at + 1];
  const bytes = der.subarray(at + 2, at + 2 + size);
  if (der[at] !== 0x02 || bytes.length !== size || size === 0 || bytes[0] & 0x80) return null;
  if (size > 1 && bytes[0] === 0 && !(bytes[1] & 0x80)) return null; // not the shortest form
  const plain = bytes[0] === 0 ? bytes.subarray(1) : bytes;
  if (plain.length > 32) return null;
  return { value: joined(new Uint8Array(32 - plain.length), plain), next: at + 2 + size };
}

export function isOf(signature, key) {
  return signature.name === key.name && hex(signature.keyId) === key.keyId;
}
