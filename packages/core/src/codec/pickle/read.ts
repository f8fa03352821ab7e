import { readLong } from './long.js';
import { Op } from './opcodes.js';
import { BYTES_GLOBALS, bytesGlobal, scanPickle } from './scan.js';
import { checkDepth, fill, isArray, isDict, isSet, malformed, python2Text } from './values.js';

const MARK = Symbol('mark');
const ENCODE = Symbol('_codecs.encode');
const BYTES = Symbol('bytes');

/**
 * The value of a pickle of protocol 2 to 5 that holds plain data; anything else is refused before something is built.
 *
 * int is a number, or a bigint beyond 2^53; bytes and bytearray are Buffers; list and tuple are arrays; set and frozenset are
 * Sets; a dict is an object, its keys text (a number, bool or None as a key becomes text as in JSON; any other key is an error).
 * An object that the pickle mentions twice is one object here too.
 */
export function readPickle(body: Buffer): unknown {
  scanPickle(body);
  const value = new Reader(body).run();
  checkDepth(value, 0, new Set());
  return value;
}

class Reader {
  readonly #body: Buffer;
  readonly #stack: unknown[] = [];
  readonly #memo = new Map<number, unknown>();
  #at = 0;

  constructor(body: Buffer) {
    this.#body = body;
  }

  /** The scan has shown that every argument is there. */
  run(): unknown {
    for (;;) {
      const op = this.#body[this.#at++] as number;
      if (op === Op.stop) break;
      if (!this.#scalar(op) && !this.#container(op)) this.#machine(op);
    }
    const value = this.#plain();
    if (this.#stack.length > 0) throw malformed('leaves values behind');
    return value;
  }

  #scalar(op: number): boolean {
    const stack = this.#stack;
    switch (op) {
      case Op.none:
        return stack.push(null) > 0;
      case Op.newTrue:
        return stack.push(true) > 0;
      case Op.newFalse:
        return stack.push(false) > 0;
      case Op.binInt:
        return stack.push(this.#take(4).readInt32LE()) > 0;
      case Op.binInt1:
        return stack.push(this.#uint(1)) > 0;
      case Op.binInt2:
        return stack.push(this.#uint(2)) > 0;
      case Op.binFloat:
        return stack.push(this.#take(8).readDoubleBE()) > 0;
      case Op.long1:
        return stack.push(readLong(this.#take(this.#uint(1)))) > 0;
      case Op.long4:
        return stack.push(readLong(this.#take(this.#uint(4)))) > 0;
      case Op.shortBinUnicode:
        return stack.push(this.#take(this.#uint(1)).toString()) > 0;
      case Op.binUnicode:
        return stack.push(this.#take(this.#uint(4)).toString()) > 0;
      case Op.binUnicode8:
        return stack.push(this.#take(this.#uint(8)).toString()) > 0;
      case Op.shortBinString:
        return stack.push(python2Text(this.#take(this.#uint(1)))) > 0;
      case Op.binString:
        return stack.push(python2Text(this.#take(this.#uint(4)))) > 0;
      case Op.shortBinBytes:
        return stack.push(Buffer.from(this.#take(this.#uint(1)))) > 0;
      case Op.binBytes:
        return stack.push(Buffer.from(this.#take(this.#uint(4)))) > 0;
      case Op.binBytes8:
      case Op.byteArray8:
        return stack.push(Buffer.from(this.#take(this.#uint(8)))) > 0;
      default:
        return false;
    }
  }

  #container(op: number): boolean {
    const stack = this.#stack;
    switch (op) {
      case Op.emptyTuple:
      case Op.emptyList:
        return stack.push([]) > 0;
      case Op.emptyDict:
        return stack.push({}) > 0;
      case Op.emptySet:
        return stack.push(new Set()) > 0;
      case Op.tuple1:
        return stack.push([this.#plain()]) > 0;
      case Op.tuple2:
        return stack.push([this.#plain(), this.#plain()].reverse()) > 0;
      case Op.tuple3:
        return stack.push([this.#plain(), this.#plain(), this.#plain()].reverse()) > 0;
      case Op.tuple:
      case Op.list:
        return stack.push(this.#items()) > 0;
      case Op.frozenSet:
        return stack.push(new Set(this.#items())) > 0;
      case Op.dict:
        return stack.push(fill({}, this.#items())) > 0;
      case Op.append: {
        const item = this.#plain();
        this.#top(isArray, 'a list').push(item);
        return true;
      }
      case Op.appends: {
        const items = this.#items();
        const list = this.#top(isArray, 'a list');
        for (const item of items) list.push(item);
        return true;
      }
      case Op.setItem: {
        const value = this.#plain();
        const key = this.#plain();
        fill(this.#top(isDict, 'a dict'), [key, value]);
        return true;
      }
      case Op.setItems: {
        const items = this.#items();
        fill(this.#top(isDict, 'a dict'), items);
        return true;
      }
      case Op.addItems: {
        const items = this.#items();
        const set = this.#top(isSet, 'a set');
        for (const item of items) set.add(item);
        return true;
      }
      default:
        return false;
    }
  }

  /** Stack and memo, and the two calls that mean bytes. */
  #machine(op: number): void {
    const stack = this.#stack;
    switch (op) {
      case Op.proto:
        this.#at += 1;
        return;
      case Op.frame:
        this.#at += 8;
        return;
      case Op.mark:
        stack.push(MARK);
        return;
      case Op.pop:
        if (stack.pop() === undefined) throw malformed('takes from an empty stack');
        return;
      case Op.popMark:
        this.#items();
        return;
      case Op.dup:
        stack.push(this.#peek());
        return;
      case Op.memoize:
        this.#memo.set(this.#memo.size, this.#peek());
        return;
      case Op.binPut:
        this.#memo.set(this.#uint(1), this.#peek());
        return;
      case Op.longBinPut:
        this.#memo.set(this.#uint(4), this.#peek());
        return;
      case Op.binGet:
        this.#recall(this.#uint(1));
        return;
      case Op.longBinGet:
        this.#recall(this.#uint(4));
        return;
      case Op.global:
        this.#global();
        return;
      default:
        this.#reduce();
    }
  }

  #global(): void {
    const name = bytesGlobal(this.#body, this.#at);
    this.#at += name.length;
    this.#stack.push(BYTES_GLOBALS.get(name) === 'encode' ? ENCODE : BYTES);
  }

  /** `_codecs.encode(text, 'latin1')` and `bytes()`, and no other call. */
  #reduce(): void {
    const args = this.#plain();
    const callee = this.#pop();
    if (callee === BYTES && isArray(args) && args.length === 0) {
      this.#stack.push(Buffer.alloc(0));
      return;
    }
    const [text, charset] = isArray(args) && args.length === 2 ? args : [];
    if (callee !== ENCODE || typeof text !== 'string' || charset !== 'latin1' || /[^\0-\xff]/.test(text)) {
      throw malformed('has a call (REDUCE) that is not the one which stands for bytes');
    }
    this.#stack.push(Buffer.from(text, 'latin1'));
  }

  #recall(index: number): void {
    if (!this.#memo.has(index)) throw malformed('mentions a value it has not stored');
    this.#stack.push(this.#memo.get(index));
  }

  #take(length: number): Buffer {
    const start = this.#at;
    this.#at += length;
    return this.#body.subarray(start, this.#at);
  }

  #uint(width: 1 | 2 | 4 | 8): number {
    const bytes = this.#take(width);
    return width === 8 ? Number(bytes.readBigUInt64LE()) : bytes.readUIntLE(0, width);
  }

  #pop(): unknown {
    const value = this.#stack.pop();
    if (value === undefined || value === MARK) throw malformed('takes from an empty stack');
    return value;
  }

  #peek(): unknown {
    const value = this.#stack.at(-1);
    if (value === undefined || value === MARK) throw malformed('takes from an empty stack');
    return value;
  }

  /** A value that may stand in a container or at the top: not one of the two functions. */
  #plain(): unknown {
    return checkPlain(this.#pop());
  }

  /** Everything above the topmost mark, which is taken away too. */
  #items(): unknown[] {
    const mark = this.#stack.lastIndexOf(MARK);
    if (mark === -1) throw malformed('has no mark where one is needed');
    const items = this.#stack.splice(mark + 1);
    this.#stack.pop();
    return items.map(checkPlain);
  }

  #top<T>(is: (value: unknown) => value is T, what: string): T {
    const value = this.#stack.at(-1);
    if (!is(value)) throw malformed(`adds to something that is not ${what}`);
    return value;
  }
}

function checkPlain(value: unknown): unknown {
  if (value === ENCODE || value === BYTES) throw malformed('has a function as a value');
  return value;
}
