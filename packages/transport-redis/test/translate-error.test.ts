import { describe, expect, it } from '@jest/globals';
import { NotSupportedError } from '@kombu/core';
import { translateError } from '../src/translate-error.js';

function reply(message: string): Error {
  const error = new Error(message);
  error.name = 'ReplyError';
  return Object.assign(error, { command: { name: 'auth', args: ['s3cret'] } });
}

describe('translateError', () => {
  it.each([
    ["READONLY You can't write against a read only replica.", 'CONNECTION_LOST', true, true],
    [
      'UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)',
      'CONNECTION_LOST',
      true,
      true,
    ],
    ['MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to "no".', 'CONNECTION_LOST', true, true],
    ['MOVED 3999 127.0.0.1:6381', 'CONNECTION_LOST', true, true],
    ['LOADING Redis is loading the dataset in memory', 'BROKER_BUSY', true, true],
    ["OOM command not allowed when used memory > 'maxmemory'.", 'BROKER_BUSY', true, false],
    ['BUSY Redis is busy running a script.', 'BROKER_BUSY', true, false],
    ['MISCONF Redis is configured to save RDB snapshots, but ...', 'BROKER_BUSY', true, false],
    ['NOAUTH Authentication required.', 'AUTH_FAILED', false, true],
    ['WRONGPASS invalid username-password pair or user is disabled.', 'AUTH_FAILED', false, true],
    ['NOPERM this user has no permissions to run the command', 'ACCESS_REFUSED', false, false],
    [
      "ERR The user executing the script can't run this command or subcommand script: abc, on @user_script:10.",
      'ACCESS_REFUSED',
      false,
      false,
    ],
    [
      'WRONGTYPE Operation against a key holding the wrong kind of value script: abc, on @user_script:1.',
      'PRECONDITION_FAILED',
      false,
      false,
    ],
    [
      'ERR Error running script (call to f_abc): @user_script:3: WRONGTYPE Operation against a key',
      'PRECONDITION_FAILED',
      false,
      false,
    ],
    ['-OOM command not allowed when used memory > maxmemory', 'BROKER_BUSY', true, false],
    ['ERR max number of clients reached', 'BROKER_BUSY', true, true],
    ['ERR DB index is out of range', 'NOT_SUPPORTED', false, false],
    ['ERR something else', 'BROKER_BUSY', false, false],
  ])('%s', (message, code, retryable, endsLink) => {
    const translated = translateError(reply(message), 'a test');
    expect(translated.error).toMatchObject({ code: `ERR_KOMBU_${code}`, retryable });
    expect(translated.endsLink).toBe(endsLink);
    expect(translated.error.message).toBe(`a test failed: ${message}`);
  });

  it('keeps the cause, without the arguments of the command', () => {
    const { error } = translateError(reply('ERR something else'), 'a test');
    expect(error.cause).toMatchObject({ message: 'ERR something else', name: 'ReplyError' });
    expect(error.cause).not.toHaveProperty('command');
  });

  it('tells refused, timed out and lost connections apart', () => {
    const of = (code: string) => translateError(Object.assign(new Error('x'), { code }), 'a test').error.code;
    expect(of('ECONNREFUSED')).toBe('ERR_KOMBU_CONNECT_REFUSED');
    expect(of('ETIMEDOUT')).toBe('ERR_KOMBU_CONNECT_TIMEOUT');
    expect(of('ECONNRESET')).toBe('ERR_KOMBU_CONNECTION_LOST');
    expect(translateError('text', 'a test').error.code).toBe('ERR_KOMBU_CONNECTION_LOST');
    const stranger = translateError(new Error('Unknown RESP type 65 "A". Please report this.'), 'connecting');
    expect(stranger).toMatchObject({ error: { code: 'ERR_KOMBU_CONNECT_REFUSED' }, endsLink: true });
    expect(stranger.error.message).toBe('connecting failed: what answers at this address is not a Redis server');
  });

  it('leaves our own errors as they are', () => {
    const own = new NotSupportedError('x');
    expect(translateError(own, 'a test')).toEqual({ error: own, endsLink: false });
  });
});
