import { Command } from 'ioredis';
import type { Script } from './lua/script.js';

/** Arguments in a row that many calls share, encoded once. */
export class EncodedArgs {
  readonly count: number;
  readonly text: string;

  constructor(args: readonly (string | number)[]) {
    this.count = args.length;
    this.text = textOf(args);
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

function bulk(text: string): string {
  return `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
}

function textOf(args: readonly ScriptArg[]): string {
  let text = '';
  for (const arg of args) {
    text += typeof arg === 'string' ? bulk(arg) : typeof arg === 'number' ? bulk(String(arg)) : arg.text;
  }
  return text;
}

function countOf(args: readonly ScriptArg[]): number {
  let count = args.length;
  for (const arg of args) if (typeof arg === 'object') count += arg.count - 1;
  return count;
}

/** ASCII is the same in both encodings, and nearly all there is. */
function bytesOf(text: string): Buffer {
  return Buffer.from(text, Buffer.byteLength(text) === text.length ? 'latin1' : 'utf8');
}

/** A command that is written as RESP here. */
export function textCommand(name: string, args: EncodedArgs): Command {
  return new TextCommand(name, bytesOf(`*${1 + args.count}\r\n${bulk(name)}${args.text}`));
}

/**
 * One run of a script, written as RESP. Kept until the reply is there, because a server that has lost the script has to be sent
 * its text.
 *
 * https://redis.io/docs/latest/develop/reference/protocol-spec/
 */
export class ScriptCall {
  readonly #script: Script;
  readonly #count: number;
  readonly #rest: string;

  constructor(script: Script, head: ScriptHead, args: readonly ScriptArg[]) {
    this.#script = script;
    this.#count = 2 + head.count + countOf(args);
    this.#rest = head.text + textOf(args);
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
    return new TextCommand(name, bytesOf(`*${this.#count}\r\n${bulk(name)}${bulk(script)}${this.#rest}`));
  }
}
