import { describe, expect, it } from '@jest/globals';
import { channelError, connectError, linkError, publishError } from '../src/translate-error.js';

const broker = (code: number, name: string, text: string): Error =>
  Object.assign(new Error(`Operation failed: QueueDeclare; ${code} (${name}) with message "${text}"`), { code });
const node = (code: string, text = code): Error => Object.assign(new Error(text), { code });

describe('errors of amqplib and Node', () => {
  it.each([
    [404, 'NOT-FOUND', 'NOT_FOUND'],
    [405, 'RESOURCE-LOCKED', 'RESOURCE_LOCKED'],
    [406, 'PRECONDITION-FAILED', 'PRECONDITION_FAILED'],
    [403, 'ACCESS-REFUSED', 'ACCESS_REFUSED'],
    [540, 'NOT-IMPLEMENTED', 'NOT_SUPPORTED'],
    [503, 'COMMAND-INVALID', 'NOT_SUPPORTED'],
    [530, 'NOT-ALLOWED', 'ACCESS_REFUSED'],
  ])('%i of an operation, with the words of the broker and the cause', (code, name, expected) => {
    const cause = broker(code, name, 'the words');
    const error = channelError(cause);
    expect(error).toMatchObject({ code: `ERR_KOMBU_${expected}`, message: 'the words', cause, retryable: false });
  });

  it.each([
    [new Error('No channels left to allocate'), 'CHANNEL_LIMIT', true],
    [new TypeError('Unknown type to encode: symbol'), 'INVALID_OPTION', false],
    [
      new RangeError('Encoded field table (headers or arguments) exceeds the 65536 byte encoding buffer'),
      'INVALID_OPTION',
      false,
    ],
    [new Error('Channel closed'), 'CLOSED', false],
    [new Error('Channel ended, no reply will be forthcoming'), 'CONNECTION_LOST', true],
    ['not even an error', 'CONNECTION_LOST', true],
  ])('%p of an operation', (cause, code, retryable) => {
    expect(channelError(cause)).toMatchObject({ code: `ERR_KOMBU_${code}`, retryable });
  });

  it('of an operation whose connection ended: lost, unless the broker ended it over that very operation', () => {
    const ended = new Error('Channel ended, no reply will be forthcoming');
    const why = broker(540, 'NOT-IMPLEMENTED', "basic.get not supported by stream queues queue 'log' in vhost '/'");
    expect(channelError(ended, why, 'log').code).toBe('ERR_KOMBU_NOT_SUPPORTED');
    expect(channelError(ended, why, 'other').code).toBe('ERR_KOMBU_CONNECTION_LOST');
    expect(channelError(ended, why).code).toBe('ERR_KOMBU_CONNECTION_LOST');
    expect(linkError(undefined)).toMatchObject({ code: 'ERR_KOMBU_CONNECTION_LOST', retryable: true });
  });

  it.each([
    [node('ECONNREFUSED'), 'CONNECT_REFUSED', true],
    [node('ENOTFOUND'), 'CONNECT_REFUSED', true],
    [
      Object.assign(new AggregateError([node('ECONNREFUSED', 'connect ECONNREFUSED ::1:1')]), { code: 'ECONNREFUSED' }),
      'CONNECT_REFUSED',
      true,
    ],
    [node('ETIMEDOUT'), 'CONNECT_TIMEOUT', true],
    [node('DEPTH_ZERO_SELF_SIGNED_CERT'), 'CONNECT_REFUSED', false],
    [node('ERR_TLS_CERT_ALTNAME_INVALID'), 'CONNECT_REFUSED', false],
    [
      new Error(
        'Handshake terminated by server: 403 (ACCESS-REFUSED) with message "ACCESS_REFUSED - Login was refused"',
      ),
      'AUTH_FAILED',
      false,
    ],
    [new Error('SASL mechanism EXTERNAL is not provided by the server'), 'AUTH_FAILED', false],
    [new Error('Socket closed abruptly during opening handshake'), 'CONNECT_REFUSED', true],
  ])('%p of connecting', (cause, code, retryable) => {
    const error = connectError(cause, 'host:5672', '/');
    expect(error).toMatchObject({ code: `ERR_KOMBU_${code}`, retryable, cause });
    expect(error.message).toContain('host:5672');
  });

  it.each([
    [{ code: 530, text: 'NOT_ALLOWED - vhost shop not found' }, 'AUTH_FAILED', false],
    [
      { code: 530, text: "NOT_ALLOWED - access to vhost 'shop' refused for user 'u': connection limit (5) is reached" },
      'CONNECT_REFUSED',
      true,
    ],
    [
      { code: 541, text: "INTERNAL_ERROR - access to vhost 'shop' refused for user 'u': vhost 'shop' is down" },
      'CONNECT_REFUSED',
      true,
    ],
    [undefined, 'CONNECT_REFUSED', true],
  ])('a virtual host that is refused with %p', (refusal, code, retryable) => {
    const cause = new Error('Expected ConnectionOpenOk; got <ConnectionClose channel:0>');
    expect(connectError(cause, 'host:5672', 'shop', refusal)).toMatchObject({
      code: `ERR_KOMBU_${code}`,
      retryable,
      message: expect.stringContaining(refusal?.text ?? 'shop'),
    });
  });

  it('of a message that is too large', () => {
    const cause = broker(
      406,
      'PRECONDITION-FAILED',
      'PRECONDITION_FAILED - message size 9 is larger than configured max size 8',
    );
    expect(publishError(cause)).toMatchObject({ code: 'ERR_KOMBU_MESSAGE_TOO_LARGE', cause });
  });
});
