import { readFileSync, renameSync } from 'node:fs';
import path from 'node:path';
import { DecodeError, type TransportContext } from '@kombu/core';
import type { Candidate } from './folder-index.js';
import type { Folders } from './folders.js';
import { isMissing } from './translate-error.js';

/** So long after its last change a file that is still not complete was left so by whoever wrote it. */
const ABANDONED_MS = 10_000;

/** Whether a text is a whole envelope, as far as can be told without decoding what is in it. */
export function isEnvelope(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return false;
    const { properties } = value as { properties?: unknown };
    return 'body' in value && typeof properties === 'object' && properties !== null;
  } catch {
    // Python's JSON has NaN and Infinity. Its last key is that of the properties.
    return /^\s*\{/.test(text) && /"properties":[\s\S]*\}\s*\}\s*$/.test(text) && /NaN|Infinity/.test(text);
  }
}

/** Whether a text of ours is whole: we write none by halves, so a look at its ends tells. */
export function looksLikeOurs(text: string): boolean {
  return (text.startsWith('{"body":') && text.endsWith('"}}')) || isEnvelope(text);
}

/** Puts a file that is no message aside, where nobody looks for messages, and says so. Nothing of it is lost. */
export function putAside(from: string, name: string, folders: Folders, context: TransportContext): void {
  const to = path.join(folders.unreadable, name);
  renameSync(from, to);
  context.warn(new DecodeError(`the file ${name} is not a message envelope: it was moved to ${folders.unreadable}`));
}

/**
 * Python writes messages under their final names, so that a file may be seen half-written. Whether this one can be taken;
 * a file that stays incomplete is put aside.
 */
export function isReady(file: Candidate, folders: Folders, context: TransportContext): boolean {
  const from = path.join(folders.in, file.name);
  try {
    if (isEnvelope(readFileSync(from, 'utf8'))) return true;
    if (Date.now() - file.mtimeMs >= ABANDONED_MS) putAside(from, file.name, folders, context);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  return false;
}
