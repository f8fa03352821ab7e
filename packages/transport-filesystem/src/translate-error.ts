import { AuthenticationError, ChannelError, KombuError, OperationalError } from '@kombu/core';

/** The error code of the operating system, such as `ENOENT`. */
export function codeOf(error: unknown): string | undefined {
  const code = typeof error === 'object' && error !== null ? (error as { code?: unknown }).code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** Whether the file, or a folder on the way to it, is not there. */
export function isMissing(error: unknown): boolean {
  return codeOf(error) === 'ENOENT';
}

/** Makes a KombuError of an error of the file system: the only place that knows those. */
export function translateError(error: unknown, what: string): KombuError {
  if (KombuError.is(error)) return error;
  const text = `${what} failed: ${error instanceof Error ? error.message : String(error)}`;
  const options = { cause: error };
  switch (codeOf(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new OperationalError('BROKER_BUSY', `${text} (the disk is full)`, options);
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new ChannelError('ACCESS_REFUSED', text, options);
    case 'ENAMETOOLONG':
      return new ChannelError('PRECONDITION_FAILED', text, options);
    case 'ENOENT':
    case 'ENOTDIR':
    case 'ESTALE':
      return new OperationalError('CONNECTION_LOST', text, options);
    default:
      return new OperationalError('BROKER_BUSY', text, options);
  }
}

/** The same for errors of opening a link: those that trying again does not help against are an AuthenticationError. */
export function translateOpenError(error: unknown, what: string): KombuError {
  const code = codeOf(error);
  const translated = translateError(error, what);
  const { message } = translated;
  if (translated.code === 'ERR_KOMBU_ACCESS_REFUSED') return new AuthenticationError(message, { cause: error });
  const noFolder = code === 'ENOENT' || code === 'ENOTDIR' || code === 'EEXIST';
  return noFolder ? new OperationalError('CONNECT_REFUSED', message, { cause: error }) : translated;
}
