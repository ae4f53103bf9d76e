// A record's proof, checked step by step. Each step says what it did, with values, and its verdict:
// "ok", "failed", "unknown" (this browser cannot tell) or "skipped" (an earlier step is missing).

import { equal, hex, Refused } from "./bytes.js";
import { readable } from "./cbor.js";
import { isOf, keyIdOf, parseCheckpoint, parseKey, parseNote, Unsupported, verifies } from "./note.js";
import { climb, entryParts, leafHash, parseProof } from "./proof.js";

export const TITLES = {
  form: "Read the proof file",
  entry: "Compare the record's bytes",
  leaf: "Hash the record",
  path: "Climb the tree",
  root: "Compare the root",
  key: "Check the verifier key",
  signature: "Verify the signature",
};

class Failed extends Error {
  constructor(message, values = []) {
    super(message);
    this.values = values;
  }
}

const ACTS = {
  form({ given, found }) {
    const proof = parseProof(given.proof);
    const note = parseNote(proof.note);
    const checkpoint = parseCheckpoint(note.text);
    Object.assign(found, { proof, note, checkpoint });
    const values = [
      ["origin", checkpoint.origin],
      ["index", String(proof.index)],
      ["tree size", String(checkpoint.size)],
      ["hashes in the proof", String(proof.hashes.length)],
    ];
    if (proof.index >= checkpoint.size) throw new Failed("The index lies beyond the tree.", values);
    return ["The file has the form of a proof, and a signed checkpoint in it.", values];
  },

  entry({ given, found }) {
    const { proof } = found;
    const values = [["size", `${given.entry.length} bytes`], ["bytes", hex(given.entry)]];
    if (!equal(given.entry, proof.entry)) {
      throw new Failed("The record's bytes are others than those in the proof file.", [
        ...values,
        ["in the proof file", hex(proof.entry)],
      ]);
    }
    const parts = entryParts(given.entry);
    const said = [["index in the bytes", String(parts.index)], ["index of the proof", String(proof.index)]];
    if (parts.index !== proof.index || proof.index !== BigInt(given.index)) {
      throw new Failed("The index is not that of this record.", [...said, ["asked for", String(given.index)]]);
    }
    found.parts = parts;
    return ["The bytes are those in the proof file, and say this index themselves.", [...values, ...said]];
  },

  async leaf({ given, found }) {
    found.leaf = await leafHash(given.entry);
    return ["SHA-256 of a zero byte and the record's bytes.", [["leaf hash", hex(found.leaf)]]];
  },

  async path({ found }) {
    const { proof, checkpoint, leaf } = found;
    const { nodes, hash, wrong } = await climb(leaf, proof.index, checkpoint.size, proof.hashes);
    const values = nodes.map((node, at) => [
      `level ${at + 1}: sibling on the ${node.isLeft ? "left" : "right"}`,
      `${hex(node.sibling)}\n= ${hex(node.hash)}`,
    ]);
    if (wrong) throw new Failed(`The proof does not fit: ${wrong}.`, values);
    found.root = hash;
    return ["At each level: SHA-256 of a one byte, the left hash and the right hash.", values];
  },

  root({ found }) {
    const values = [["calculated", hex(found.root)], ["in the checkpoint", hex(found.checkpoint.root)]];
    if (!equal(found.root, found.checkpoint.root)) {
      throw new Failed("The path from this record leads to another root than the checkpoint's.", values);
    }
    return ["The path leads to the root that the checkpoint names.", values];
  },

  async key({ given, found }) {
    const key = parseKey(given.key.trim());
    const id = await keyIdOf(key);
    const values = [
      ["name", key.name],
      ["algorithm", key.named],
      ["public key", hex(key.key)],
      ["key id, calculated", id],
      ["key id, in the key", key.keyId],
    ];
    if (id !== key.keyId) throw new Failed("The key id is not that of the key.", values);
    if (key.name !== found.checkpoint.origin) {
      throw new Failed("The key is another log's: its name is not the checkpoint's origin.", values);
    }
    found.key = key;
    return ["The key id is the key's own, and its name is the checkpoint's origin.", values];
  },

  async signature({ found }) {
    const { key, note } = found;
    const lines = note.signatures.filter((one) => isOf(one, key));
    const values = [["signed text", note.text]];
    if (lines.length === 0) {
      const by = note.signatures.map((one) => `${one.name}+${hex(one.keyId)}`).join(", ");
      throw new Failed("The key did not sign this checkpoint.", [...values, ["signed by", by]]);
    }
    for (const line of lines) {
      values.push(["signature", hex(line.signature)]);
      if (!(await verifies(key, note.text, line.signature))) {
        throw new Failed("The signature is not the key's over this text.", values);
      }
    }
    return [`The ${key.named} signature is the key's over exactly this text.`, values];
  },
};

const NEEDS = { entry: "proof", path: "proof", root: "root", key: "checkpoint", signature: "key" };

async function take(name, given, found) {
  const step = { name, title: TITLES[name] };
  const need = NEEDS[name];
  if (need && !found[need]) return { ...step, verdict: "skipped", says: "Not done: an earlier step has to succeed first.", values: [] };
  try {
    const [says, values] = await ACTS[name]({ given, found });
    return { ...step, verdict: "ok", says, values };
  } catch (error) {
    if (error instanceof Unsupported) {
      const says = `Not done: ${error.message}. Verify the downloaded proof with "biotrail verify-proof" instead.`;
      return { ...step, verdict: "unknown", says, values: [] };
    }
    if (!(error instanceof Failed || error instanceof Refused)) throw error;
    return { ...step, verdict: "failed", says: sentence(error.message), values: error.values ?? [] };
  }
}

function sentence(message) {
  return message[0].toUpperCase() + message.slice(1) + (message.endsWith(".") ? "" : ".");
}

// Check a record: `given` has entry and proof (bytes), key (text) and index. `show`, if given, gets
// each step as it is done. Returns the steps, the verdict of all, and what the bytes say.
export async function verifyRecord(given, show = () => {}) {
  if (!globalThis.crypto?.subtle) {
    const says = "This browser offers WebCrypto only on pages served by HTTPS or from this machine.";
    const steps = [{ name: "form", title: TITLES.form, verdict: "unknown", says, values: [] }];
    show(steps[0]);
    return { steps, verdict: "unknown", parts: null };
  }
  const found = {};
  const steps = [];
  for (const name of Object.keys(TITLES)) {
    const step = await take(name, given, found);
    steps.push(step);
    show(step);
  }
  const worst = ["failed", "unknown", "skipped"].find((one) => steps.some((step) => step.verdict === one));
  return { steps, verdict: worst ?? "ok", parts: found.parts ? shown(found.parts) : null };
}

function shown({ index, previous, recorded, kind, content }) {
  return { index: Number(index), previous: hex(previous), recorded, kind, content: readable(content) };
}
