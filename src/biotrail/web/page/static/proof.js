// Proof files (C2SP tlog-proof) and the climb from a leaf to the root (RFC 9162 section 2.1.3.2).

import { Bytes, decode } from "./cbor.js";
import { fromBase64, hashFrom, numberFrom, refuse, sha256, textOf } from "./bytes.js";

const MAGIC = "c2sp.org/tlog-proof@v1";
const LONGEST = 1048576;
const MOST_HASHES = 64;

export function parseProof(bytes) {
  if (bytes.length > LONGEST) refuse(`a proof file has at most ${LONGEST} bytes`);
  const text = textOf(bytes, "the proof file");
  const blank = text.indexOf("\n\n");
  const lines = text.slice(0, Math.max(blank, 0)).split("\n");
  if (blank < 0 || lines.shift() !== MAGIC) refuse(`a proof file begins with the line ${MAGIC}`);
  const extra = after("extra ", lines);
  const index = after("index ", lines);
  if (extra === null) refuse("the proof file has no entry in it");
  if (index === null) refuse("the proof file has no index line where one must be");
  if (lines.length > MOST_HASHES) refuse(`the proof has more than ${MOST_HASHES} hashes`);
  return {
    index: numberFrom(index, "the index"),
    entry: entryIn(fromBase64(extra, "the extra line")),
    hashes: lines.map((line, at) => hashFrom(line, `hash ${at + 1} of the proof`)),
    note: text.slice(blank + 2),
  };
}

function after(word, lines) {
  return lines.length && lines[0].startsWith(word) ? lines.shift().slice(word.length) : null;
}

function entryIn(extra) {
  const found = decode(extra);
  const entry = found instanceof Map && found.size === 1 ? found.get("entry") : null;
  if (!(entry instanceof Bytes)) refuse("the extra line holds something else than one entry");
  return entry.bytes;
}

export function leafHash(entry) {
  return sha256(Uint8Array.of(0), entry);
}

// Every node on the way from the leaf to the root; `wrong` says why the way does not lead there.
export async function climb(leaf, index, size, hashes) {
  let [at, last, hash] = [index, size - 1n, leaf];
  const nodes = [];
  for (const sibling of hashes) {
    if (last === 0n) return { nodes, hash, wrong: "it has more hashes than the tree has levels" };
    const isLeft = (at & 1n) === 1n || at === last;
    const pair = isLeft ? [sibling, hash] : [hash, sibling];
    hash = await sha256(Uint8Array.of(1), ...pair);
    nodes.push({ sibling, isLeft, hash });
    while (isLeft && at !== 0n && (at & 1n) === 0n) [at, last] = [at >> 1n, last >> 1n];
    [at, last] = [at >> 1n, last >> 1n];
  }
  return { nodes, hash, wrong: last === 0n ? null : "it has too few hashes for the tree" };
}

// The parts of an entry: version, index, previous leaf hash, time, and the one pair of its body.
export function entryParts(entry) {
  const found = decode(entry, -1); // the array of the entry does not count towards the depth
  if (!Array.isArray(found) || found.length !== 5 || found[0] !== 1n) refuse("these bytes are no entry of version 1");
  const [, index, previous, recorded, body] = found;
  const formed = typeof index === "bigint" && previous instanceof Bytes && previous.bytes.length === 32;
  if (!formed || typeof recorded !== "string" || !(body instanceof Map) || body.size !== 1) {
    refuse("these bytes have not the form of an entry");
  }
  const [kind, content] = [...body][0];
  return { index, previous: previous.bytes, recorded, kind, content };
}
