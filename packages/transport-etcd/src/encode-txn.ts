import type { Compare, Operation, Transaction } from './requests.js';

/** Bytes that a writer keeps for the next transaction. */
const KEPT_BYTES = 256 * 1024;
const RESULTS = { Equal: 0, Greater: 1 } as const;
const TARGETS = { Create: 1, Mod: 2, Value: 3 } as const;

/** The first byte of a field: its number, and how it is written. */
const int = (field: number): number => field << 3;
const block = (field: number): number => (field << 3) | 2;

/**
 * Writes transactions in the format of Protocol Buffers, as etcd's rpc.proto has them (`TxnRequest`): the fields that are used here,
 * without the copies of every item that a library makes. From the end to the beginning, so that lengths are known when they are due.
 */
export class TxnEncoder {
  #buffer = Buffer.allocUnsafe(KEPT_BYTES);
  /** How much is written, at the end of the buffer. */
  #size = 0;

  encode(request: Transaction): Buffer {
    this.#size = 0;
    this.#txn(request);
    const encoded = Buffer.from(this.#buffer.subarray(this.#buffer.length - this.#size));
    if (this.#buffer.length > KEPT_BYTES) this.#buffer = Buffer.allocUnsafe(KEPT_BYTES);
    return encoded;
  }

  #txn({ compare, success, failure }: Transaction): void {
    if (failure !== undefined) this.#operations(block(3), failure);
    if (success !== undefined) this.#operations(block(2), success);
    if (compare !== undefined) for (let i = compare.length - 1; i >= 0; i--) this.#compare(compare[i] as Compare);
  }

  #operations(field: number, operations: readonly Operation[]): void {
    for (let i = operations.length - 1; i >= 0; i--) {
      const before = this.#size;
      this.#operation(operations[i] as Operation);
      this.#begin(field, before);
    }
  }

  #operation({
    request_range: range,
    request_put: put,
    request_delete_range: remove,
    request_txn: txn,
  }: Operation): void {
    const before = this.#size;
    if (txn !== undefined) {
      this.#txn(txn);
      this.#begin(block(4), before);
    } else if (remove !== undefined) {
      this.#bytes(block(2), remove.range_end);
      this.#bytes(block(1), remove.key);
      this.#begin(block(3), before);
    } else if (put !== undefined) {
      this.#integer(int(3), put.lease);
      this.#bytes(block(2), put.value);
      this.#bytes(block(1), put.key);
      this.#begin(block(2), before);
    } else if (range !== undefined) {
      this.#integer(int(9), range.count_only ? 1 : 0);
      this.#integer(int(8), range.keys_only ? 1 : 0);
      this.#integer(int(3), range.limit);
      this.#bytes(block(2), range.range_end);
      this.#bytes(block(1), range.key);
      this.#begin(block(1), before);
    }
  }

  #compare({ key, range_end, target, result, create_revision, mod_revision, value }: Compare): void {
    const before = this.#size;
    if (range_end !== undefined) {
      this.#bytes(0x04, range_end);
      // The field's number, 64, takes two bytes.
      this.#byte(0x82);
    }
    // These are alternatives: the one that is meant is written even where it is 0.
    if (value !== undefined) this.#bytes(block(7), value);
    if (mod_revision !== undefined) this.#integer(int(6), mod_revision, 'also 0');
    if (create_revision !== undefined) this.#integer(int(5), create_revision, 'also 0');
    this.#bytes(block(3), key);
    this.#integer(int(2), TARGETS[target]);
    this.#integer(int(1), RESULTS[result]);
    this.#begin(block(1), before);
  }

  /** The beginning of what was written since there were `before` bytes: which field it is, and its length. */
  #begin(field: number, before: number): void {
    this.#varint(this.#size - before);
    this.#byte(field);
  }

  #bytes(field: number, content: string | Buffer | undefined): void {
    if (content === undefined) return;
    const { length } = content;
    const at = this.#take(length);
    if (typeof content === 'string') this.#buffer.write(content, at, length, 'latin1');
    else content.copy(this.#buffer, at);
    this.#varint(length);
    this.#byte(field);
  }

  #integer(field: number, value: number | string | undefined, zero: 'also 0' | 'not 0' = 'not 0'): void {
    if (value === undefined || (value === 0 && zero === 'not 0')) return;
    const number = Number(value);
    if (Number.isSafeInteger(number) && number >= 0) this.#varint(number);
    else this.#large(BigInt.asUintN(64, BigInt(value)));
    this.#byte(field);
  }

  #varint(value: number): void {
    let count = 1;
    for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) count++;
    let at = this.#take(count);
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.#buffer[at++] = (rest % 128) | 128;
    this.#buffer[at] = rest;
  }

  /** More than a number of JavaScript holds: the id of a lease. */
  #large(value: bigint): void {
    const bytes: number[] = [];
    let rest = value;
    for (; rest >= 128n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
    bytes.push(Number(rest));
    for (const byte of bytes.reverse()) this.#byte(byte);
  }

  #byte(byte: number): void {
    const at = this.#take(1);
    this.#buffer[at] = byte;
  }

  /** Makes room before what is written; returns where. */
  #take(count: number): number {
    const { length } = this.#buffer;
    const size = this.#size + count;
    if (size > length) {
      const larger = Buffer.allocUnsafe(Math.max(length * 2, size));
      this.#buffer.copy(larger, larger.length - this.#size, length - this.#size);
      this.#buffer = larger;
    }
    this.#size = size;
    return this.#buffer.length - size;
  }
}
