import { Command } from 'ioredis';
import type { Script } from './lua/script.js';

/** An argument of a script. */
export type ScriptArg = string | number;

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

  constructor(script: Script, keys: readonly string[], args: readonly ScriptArg[]) {
    this.#script = script;
    this.#count = 3 + keys.length + args.length;
    let rest = bulk(String(keys.length));
    for (const key of keys) rest += bulk(key);
    for (const arg of args) rest += bulk(typeof arg === 'string' ? arg : String(arg));
    this.#rest = rest;
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
    const text = `*${this.#count}\r\n${bulk(name)}${bulk(script)}${this.#rest}`;
    // ASCII is the same in both encodings, and nearly all there is.
    const isAscii = Buffer.byteLength(text) === text.length;
    return new TextCommand(name, Buffer.from(text, isAscii ? 'latin1' : 'utf8'));
  }
}
