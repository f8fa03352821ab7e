import { describe, expect, it } from '@jest/globals';
import {
  MongoAPIError,
  MongoBulkWriteError,
  MongoNetworkError,
  MongoServerError,
  MongoServerSelectionError,
  MongoTopologyClosedError,
} from 'mongodb';
import { isDuplicate, translateError } from '../src/translate-error.js';

const server = (code: number) => new MongoServerError({ message: 'said so', code });

describe('errors of the driver', () => {
  it.each([
    [18, 'ERR_KOMBU_AUTH_FAILED', true],
    [13, 'ERR_KOMBU_ACCESS_REFUSED', false],
    [10107, 'ERR_KOMBU_CONNECTION_LOST', true],
    [11600, 'ERR_KOMBU_CONNECTION_LOST', true],
    [189, 'ERR_KOMBU_CONNECTION_LOST', true],
    [59, 'ERR_KOMBU_NOT_SUPPORTED', false],
    [238, 'ERR_KOMBU_NOT_SUPPORTED', false],
    [10334, 'ERR_KOMBU_MESSAGE_TOO_LARGE', false],
    [112, 'ERR_KOMBU_BROKER_BUSY', false],
  ])('code %i of the server', (code, expected, endsLink) => {
    const { error, endsLink: ends } = translateError(server(code), 'storing');
    expect([error.code, ends]).toEqual([expected, endsLink]);
    expect(error.message).toBe('storing failed: said so');
    expect(error.cause).not.toBeInstanceOf(MongoServerError);
  });

  it('of the network, and of servers that are not found', () => {
    const refused = new MongoNetworkError('connect ECONNREFUSED 127.0.0.1:1');
    expect(translateError(refused, 'x').error.code).toBe('ERR_KOMBU_CONNECT_REFUSED');
    expect(translateError(new MongoNetworkError('read ECONNRESET'), 'x')).toMatchObject({
      error: { code: 'ERR_KOMBU_CONNECTION_LOST', retryable: true },
      endsLink: true,
    });
    const selection = new MongoServerSelectionError('timed out', {} as never);
    expect(translateError(selection, 'x').error.code).toBe('ERR_KOMBU_CONNECT_TIMEOUT');
    const servers = new Map([['h:1', { error: new MongoNetworkError('read ECONNRESET') }]]);
    const reasoned = new MongoServerSelectionError('timed out', { servers, error: null } as never);
    expect(translateError(reasoned, 'x').error.message).toBe('x failed: timed out: read ECONNRESET');
    const untrusted = new MongoNetworkError('self-signed certificate');
    expect(translateError(untrusted, 'x').error).toMatchObject({ code: 'ERR_KOMBU_CONNECT_REFUSED', retryable: false });
  });

  it.each([2, 73, 85, 121])('code %i of the server, which stays as it is however often it is asked', (code) => {
    const { error, endsLink } = translateError(server(code), 'storing');
    expect([error.code, error.retryable, endsLink]).toEqual(['ERR_KOMBU_PRECONDITION_FAILED', false, false]);
  });

  it('of a link that is lost in the middle of an insert', () => {
    const wrapped = new MongoBulkWriteError(new MongoNetworkError('read ECONNRESET'), {} as never);
    expect(translateError(wrapped, 'x')).toMatchObject({
      error: { code: 'ERR_KOMBU_CONNECTION_LOST' },
      endsLink: true,
    });
  });

  it('of Atlas, which has one code for all that it does not allow', () => {
    const atlas = (message: string) => translateError(new MongoServerError({ message, code: 8000 }), 'x').error.code;
    expect(atlas('bad auth : authentication failed')).toBe('ERR_KOMBU_AUTH_FAILED');
    expect(atlas('user is not allowed to do action [insert]')).toBe('ERR_KOMBU_ACCESS_REFUSED');
  });

  it('of a fanout message that the capped collection cannot hold', () => {
    const error = new MongoServerError({ message: 'object to insert exceeds cappedMaxSize', code: 2 });
    expect(translateError(error, 'x').error.code).toBe('ERR_KOMBU_MESSAGE_TOO_LARGE');
  });

  it('of one call leave the link alone, those of a client that is closed do not', () => {
    expect(translateError(new MongoAPIError('Cursor is closed'), 'x')).toMatchObject({
      error: { code: 'ERR_KOMBU_BROKER_BUSY' },
      endsLink: false,
    });
    expect(translateError(new MongoTopologyClosedError(), 'x').endsLink).toBe(true);
  });

  it('show no password of a URL', () => {
    const { error } = translateError(new Error('cannot use mongodb://user:secret@host/'), 'x');
    expect(`${error.message} ${(error.cause as Error).message}`).not.toContain('secret');
  });

  it('of a key that is there already', () => {
    expect([isDuplicate(server(11000)), isDuplicate(server(1))]).toEqual([true, false]);
  });
});
