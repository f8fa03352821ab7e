import { Exchange, Queue } from '@kombu/core';

/** One file to hash. */
export interface Task {
  readonly root: string;
  readonly file: string;
}

/** What a worker says of one file. */
export interface Result {
  readonly file: string;
  readonly digest: string;
  readonly bytes: number;
  readonly worker: string;
  /** The task had been handed to another worker before. */
  readonly redelivered: boolean;
}

/** The entities of one run. `id` keeps runs on one broker apart. */
export function entities(id: string): { files: Exchange; tasks: Queue<Task>; results: Queue<Result> } {
  const files = new Exchange(`file-hashes.${id}`, { type: 'topic' });
  return {
    files,
    tasks: new Queue<Task>(`file-hashes.${id}.tasks`, { exchange: files, routingKey: 'file.#' }),
    results: new Queue<Result>(`file-hashes.${id}.results`),
  };
}
