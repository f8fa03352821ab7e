import { Command } from 'ioredis';
import type { Script } from './lua/script.js';

/** Arguments in a row that many calls share, encoded once. */
export class EncodedArgs {
  readonly count: number;
  readonly text: string;

  constructor(args: readonly (string | number)[]) {
    this.count = args.length;
    this.text = textOf(args, byteLength);
  }
}

/** What a call of a script begins with: its keys, and the first of its arguments. */
export class ScriptHead extends EncodedArgs {
  constructor(keys: readonly string[], args: readonly (string | number)[] = []) {
    super([keys.length, ...keys, ...args]);
  }
}

/** An argument of a script, or several. */
export type ScriptArg = string | number | EncodedArgs;

/** A command whose text is made here in one go: ioredis would look at every argument several times. */
class TextCommand extends Command {
  readonly #text: Buffer;

  constructor(name: string, text: Buffer) {
    super(name, [], { replyEncoding: 'utf8' });
    this.#text = text;
  }

  override toWritable(): Buffer {
    return this.#text;
  }
}

type LengthOf = (text: string) => number;

/** How many bytes a text of ASCII has: asking the text itself takes longer, and nearly all there is is ASCII. */
const charLength: LengthOf = (text) => text.length;
const byteLength: LengthOf = (text) => Buffer.byteLength(text);

function bulk(text: string, lengthOf: LengthOf): string {
  return `$${lengthOf(text)}\r\n${text}\r\n`;
}

function textOf(args: readonly ScriptArg[], lengthOf: LengthOf): string {
  let text = '';
  for (const arg of args) {
    if (typeof arg === 'string') text += bulk(arg, lengthOf);
    else text += typeof arg === 'number' ? bulk(String(arg), lengthOf) : arg.text;
  }
  return text;
}

function countOf(args: readonly ScriptArg[]): number {
  let count = args.length;
  for (const arg of args) if (typeof arg === 'object') count += arg.count - 1;
  return count;
}

/** The bytes of what `write` writes; it is called again with the lengths in bytes where not all of it is ASCII. */
function bytesOf(write: (lengthOf: LengthOf) => string): Buffer {
  const text = write(charLength);
  return Buffer.byteLength(text) === text.length ? Buffer.from(text, 'latin1') : Buffer.from(write(byteLength));
}

/** A command that is written as RESP here. */
export function textCommand(name: string, args: EncodedArgs): Command {
  return new TextCommand(
    name,
    bytesOf((lengthOf) => `*${1 + args.count}\r\n${bulk(name, lengthOf)}${args.text}`),
  );
}

/**
 * One run of a script, written as RESP. Kept until the reply is there, because a server that has lost the script has to be sent
 * its text.
 *
 * https://redis.io/docs/latest/develop/reference/protocol-spec/
 */
export class ScriptCall {
  readonly #script: Script;
  readonly #head: ScriptHead;
  readonly #args: readonly ScriptArg[];

  constructor(script: Script, head: ScriptHead, args: readonly ScriptArg[]) {
    this.#script = script;
    this.#head = head;
    this.#args = args;
  }

  /** Names the script by its digest. */
  byDigest(): Command {
    return this.#command('evalsha', this.#script.sha);
  }

  /** Brings the script along. */
  byText(): Command {
    return this.#command('eval', this.#script.text);
  }

  #command(name: string, script: string): Command {
    const head = this.#head;
    const args = this.#args;
    const start = `*${2 + head.count + countOf(args)}\r\n`;
    return new TextCommand(
      name,
      bytesOf((lengthOf) => start + bulk(name, lengthOf) + bulk(script, lengthOf) + head.text + textOf(args, lengthOf)),
    );
  }
}
