import { DecodeError } from '../../errors/index.js';
import { MAX_DEPTH, MAX_INTEGER_DIGITS } from '../limits.js';
import { setKey } from '../record.js';
import { endOfString } from './nesting.js';

const NUMBER = /-?(?:Infinity|(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?)/y;
const SPACE = /[ \t\n\r]*/y;

/**
 * Reads JSON as Python writes it: RFC 8259 plus the literals NaN, Infinity and -Infinity, and integers of any size, which become
 * bigints beyond 2^53. Slower than JSON.parse, and used only for text that needs it.
 */
export function parseTolerant(text: string): unknown {
  const parser = new Parser(text);
  return parser.document();
}

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): unknown {
    const value = this.#value(0);
    this.#space();
    if (this.#at < this.#text.length) throw this.#error();
    return value;
  }

  #value(depth: number): unknown {
    this.#space();
    switch (this.#text[this.#at]) {
      case '{':
        return this.#object(depth);
      case '[':
        return this.#array(depth);
      case '"':
        return this.#string();
      case 't':
        return this.#literal('true', true);
      case 'f':
        return this.#literal('false', false);
      case 'n':
        return this.#literal('null', null);
      case 'N':
        return this.#literal('NaN', Number.NaN);
      case 'I':
        return this.#literal('Infinity', Number.POSITIVE_INFINITY);
      default:
        return this.#number();
    }
  }

  #object(depth: number): Record<string, unknown> {
    this.#enter(depth);
    const record: Record<string, unknown> = {};
    if (this.#skip('}')) return record;
    do {
      this.#space();
      if (this.#text[this.#at] !== '"') throw this.#error();
      const key = this.#string();
      if (!this.#skip(':')) throw this.#error();
      setKey(record, key, this.#value(depth + 1));
    } while (this.#skip(','));
    if (!this.#skip('}')) throw this.#error();
    return record;
  }

  #array(depth: number): unknown[] {
    this.#enter(depth);
    const items: unknown[] = [];
    if (this.#skip(']')) return items;
    do items.push(this.#value(depth + 1));
    while (this.#skip(','));
    if (!this.#skip(']')) throw this.#error();
    return items;
  }

  #enter(depth: number): void {
    if (depth >= MAX_DEPTH) throw new DecodeError(`The JSON body is nested deeper than ${MAX_DEPTH} levels`);
    this.#at++;
  }

  #string(): string {
    const end = endOfString(this.#text, this.#at);
    try {
      const value = JSON.parse(this.#text.slice(this.#at, end + 1)) as string;
      this.#at = end + 1;
      return value;
    } catch {
      throw this.#error();
    }
  }

  #number(): number | bigint {
    NUMBER.lastIndex = this.#at;
    const match = NUMBER.exec(this.#text);
    if (match === null) throw this.#error();
    this.#at = NUMBER.lastIndex;
    const [literal, fraction, exponent] = match;
    const value = Number(literal);
    if (fraction !== undefined || exponent !== undefined || Number.isSafeInteger(value)) return value;
    if (literal.endsWith('y')) return value;
    if (literal.length > MAX_INTEGER_DIGITS) {
      throw new DecodeError(`The JSON body has an integer of more than ${MAX_INTEGER_DIGITS} digits`);
    }
    return BigInt(literal);
  }

  #literal<T>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) throw this.#error();
    this.#at += word.length;
    return value;
  }

  #skip(character: string): boolean {
    this.#space();
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #space(): void {
    SPACE.lastIndex = this.#at;
    SPACE.test(this.#text);
    this.#at = SPACE.lastIndex;
  }

  #error(): DecodeError {
    return new DecodeError(`The JSON body is malformed at character ${this.#at} of ${this.#text.length}`);
  }
}
