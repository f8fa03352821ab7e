import { KombuError } from './kombu-error.js';

/** What another process told of an error of its own. */
export interface RemoteErrorInfo {
  /** The name of the error's class there. */
  readonly name: string;
  /** Its message there. */
  readonly message: string;
  /** Its `code` there, such as `ERR_KOMBU_DECODE` or `ENOENT`, if it had one. */
  readonly code?: string | undefined;
}

/** The handler of a request failed in another process (`REMOTE`). */
export class RemoteError extends KombuError {
  /** What the other process told of it. */
  readonly remote: RemoteErrorInfo;

  constructor(remote: RemoteErrorInfo) {
    super('REMOTE', `${remote.name}: ${remote.message}`);
    this.remote = Object.freeze({ ...remote });
  }
}
