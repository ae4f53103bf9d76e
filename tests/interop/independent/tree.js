'use strict';
// Hashes, roots and proofs (docs/spec/tree.md).
const { createHash } = require('node:crypto');

function sha256(...parts) {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

const leafHash = (entry) => sha256(Buffer.from([0]), entry);
const nodeHash = (left, right) => sha256(Buffer.from([1]), left, right);
const EMPTY = sha256();

class Tree {
  constructor(stack = [], size = 0) {
    this.stack = stack;
    this.size = size;
  }

  append(hash) {
    let level = 0;
    const stack = this.stack;
    while (stack.length && stack[stack.length - 1].level === level) {
      hash = nodeHash(stack.pop().hash, hash);
      level += 1;
    }
    stack.push({ level, hash });
    this.size += 1;
  }

  with(hash) {
    const more = new Tree([...this.stack], this.size);
    more.append(hash);
    return more;
  }

  root() {
    if (!this.stack.length) return EMPTY;
    let hash = this.stack[this.stack.length - 1].hash;
    for (let i = this.stack.length - 2; i >= 0; i--) hash = nodeHash(this.stack[i].hash, hash);
    return hash;
  }
}

const half = (number) => Math.floor(number / 2);

function followsInclusion(leaf, index, size, proof, root) {
  if (!(index >= 0 && index < size) || proof.length > 64) return false;
  if (proof.some((hash) => hash.length !== 32)) return false;
  let [first, last, result] = [index, size - 1, leaf];
  for (const hash of proof) {
    if (last === 0) return false;
    if (first % 2 === 1 || first === last) {
      result = nodeHash(hash, result);
      while (first % 2 === 0 && first !== 0) [first, last] = [half(first), half(last)];
    } else {
      result = nodeHash(result, hash);
    }
    [first, last] = [half(first), half(last)];
  }
  return last === 0 && result.equals(root);
}

function followsConsistency(old, oldRoot, size, root, proof) {
  if (!(old >= 0 && old <= size) || proof.length > 64) return false;
  if (old === 0) return proof.length === 0 && oldRoot.equals(EMPTY);
  if (old === size) return proof.length === 0 && oldRoot.equals(root);
  const isPower = Number.isInteger(Math.log2(old));
  const list = isPower ? [oldRoot, ...proof] : [...proof];
  if (!list.length || list.some((hash) => hash.length !== 32)) return false;
  let [first, last] = [old - 1, size - 1];
  while (first % 2 === 1) [first, last] = [half(first), half(last)];
  let [before, after] = [list[0], list[0]];
  for (const hash of list.slice(1)) {
    if (last === 0) return false;
    if (first % 2 === 1 || first === last) {
      before = nodeHash(hash, before);
      after = nodeHash(hash, after);
      while (first % 2 === 0 && first !== 0) [first, last] = [half(first), half(last)];
    } else {
      after = nodeHash(after, hash);
    }
    [first, last] = [half(first), half(last)];
  }
  return last === 0 && before.equals(oldRoot) && after.equals(root);
}

module.exports = { sha256, leafHash, nodeHash, EMPTY, Tree, followsInclusion, followsConsistency };
