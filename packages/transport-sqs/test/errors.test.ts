import { describe, expect, it } from '@jest/globals';
import { OperationalError } from '@kombu/core';
import { translateEntry, translateError, translateOpenError, translateReceiptEntry } from '../src/translate-error.js';

/** An error as the SDK throws it. */
function aws(name: string, status: number | undefined, o: { code?: string; message?: string } = {}): Error {
  const error = new Error(o.message ?? 'says the service');
  error.name = name;
  const $metadata = status === undefined ? {} : { httpStatusCode: status };
  return Object.assign(error, { $metadata, ...(o.code && { code: o.code }) });
}

describe('errors of the SDK', () => {
  it.each<[string, Error, string, boolean]>([
    ['a refused connection', aws('Error', undefined, { code: 'ECONNREFUSED' }), 'CONNECTION_LOST', true],
    ['a certificate', aws('Error', undefined, { code: 'SELF_SIGNED_CERT_IN_CHAIN' }), 'CONNECTION_LOST', true],
    ['no answer in time', aws('TimeoutError', undefined), 'CONNECTION_LOST', true],
    ['an answer that cannot be read', aws('SyntaxError', undefined), 'BROKER_BUSY', true],
    ['throttling', aws('ThrottlingException', 400), 'BROKER_BUSY', true],
    ['a gateway', aws('Error', 502), 'BROKER_BUSY', true],
    ['too many', aws('OverLimit', 403), 'BROKER_BUSY', true],
    ['a name just deleted', aws('AWS.SimpleQueueService.QueueDeletedRecently', 400), 'BROKER_BUSY', true],
    ['no keys', aws('CredentialsProviderError', undefined), 'AUTH_FAILED', false],
    ['wrong keys', aws('InvalidClientTokenId', 403), 'AUTH_FAILED', false],
    ['a wrong secret', aws('SignatureDoesNotMatch', 403), 'AUTH_FAILED', false],
    ['no leave', aws('AccessDeniedException', 400), 'ACCESS_REFUSED', false],
    ['no queue', aws('QueueDoesNotExist', 400), 'NOT_FOUND', false],
    ['no queue, the old way', aws('AWS.SimpleQueueService.NonExistentQueue', 400), 'NOT_FOUND', false],
    ['another attribute', aws('QueueNameExists', 400), 'PRECONDITION_FAILED', false],
    ['a receipt that is over', aws('ReceiptHandleIsInvalid', 404), 'LEASE_LOST', false],
    ['a batch that is too long', aws('BatchRequestTooLong', 400), 'MESSAGE_TOO_LARGE', false],
    [
      'a message that is too long',
      aws('InvalidParameterValue', 400, { message: 'Reason: Message must be shorter than 262144 bytes.' }),
      'MESSAGE_TOO_LARGE',
      false,
    ],
    ['characters', aws('InvalidMessageContents', 400), 'ENCODE', false],
  ])('%s', (_what, error, code, retryable) => {
    const translated = translateError(error, 'this');
    expect(translated).toMatchObject({ code: `ERR_KOMBU_${code}`, retryable, cause: error });
    expect(translated.message).toContain('this failed');
    // What is translated already stays.
    expect(translateError(translated, 'that')).toBe(translated);
  });

  it('while connecting: nobody there, or nobody who answers', () => {
    const refused = aws('Error', undefined, { code: 'ECONNREFUSED' });
    expect(translateOpenError(refused, 'it')).toMatchObject({ code: 'ERR_KOMBU_CONNECT_REFUSED' });
    expect(translateOpenError(aws('TimeoutError', undefined), 'it')).toMatchObject({
      code: 'ERR_KOMBU_CONNECT_TIMEOUT',
    });
    for (const code of ['ECONNRESET', 'EPIPE']) {
      expect(translateOpenError(aws('TimeoutError', undefined, { code }), 'it')).toMatchObject({
        code: 'ERR_KOMBU_CONNECT_REFUSED',
      });
    }
    const tls = aws('Error', undefined, { code: 'EPROTO', message: 'write EPROTO 80:SSL\n  routines:wrong version\n' });
    expect(translateOpenError(tls, 'it').message).toBe('it failed: write EPROTO 80:SSL routines:wrong version');
    const busy = new OperationalError('BROKER_BUSY', 'busy');
    expect(translateOpenError(busy, 'it')).toBe(busy);
  });

  it('of entries of a batch: whose fault it was decides', () => {
    expect(translateEntry({ Code: 'InternalError', SenderFault: false }, 'it')).toMatchObject({ retryable: true });
    expect(translateEntry({ Code: 'Odd', SenderFault: false }, 'it')).toMatchObject({ retryable: true });
    expect(translateEntry({ Code: 'Odd', SenderFault: true }, 'it')).toMatchObject({
      code: 'ERR_KOMBU_PRECONDITION_FAILED',
    });
    const over = translateReceiptEntry({ Code: 'InvalidParameterValue', Message: 'over', SenderFault: true }, 'it');
    expect(over).toMatchObject({ code: 'ERR_KOMBU_LEASE_LOST', message: 'it failed: over' });
    expect(translateReceiptEntry({ Code: 'AccessDenied', SenderFault: true }, 'it')).toMatchObject({
      code: 'ERR_KOMBU_ACCESS_REFUSED',
    });
  });
});
