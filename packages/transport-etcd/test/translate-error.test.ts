import { describe, expect, it } from '@jest/globals';
import { translateError } from '../src/translate-error.js';

describe('errors of gRPC', () => {
  it('are told without dates and notes of how the name was looked up', () => {
    const said =
      '14 UNAVAILABLE: No connection established. Last error: Error: connect ECONNREFUSED 127.0.0.1:1 (2026-11-23T10:00:00.000Z). Resolution note: ';
    const { error } = translateError(new Error(said), 'connecting');
    expect(error.code).toBe('ERR_KOMBU_CONNECT_REFUSED');
    expect(error.message).toBe(
      'connecting failed: 14 UNAVAILABLE: No connection established. Last error: Error: connect ECONNREFUSED 127.0.0.1:1',
    );
  });

  it('keep other brackets', () => {
    expect(translateError(new Error('etcdserver: no leader (member 1)'), 'x').error.message).toBe(
      'x failed: etcdserver: no leader (member 1)',
    );
  });
});
