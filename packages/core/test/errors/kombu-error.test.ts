import { describe, expect, it } from '@jest/globals';
import { ChannelError, ConnectionLimitExceeded, KombuError, LimitExceeded, OperationalError } from '../../src/index.js';

describe('is', () => {
  const error: unknown = new ChannelError('NOT_FOUND', 'there is no queue');

  it('asks for the class that it is called on', () => {
    expect(KombuError.is(error)).toBe(true);
    expect(ChannelError.is(error)).toBe(true);
    expect(OperationalError.is(error)).toBe(false);
    const limit = new ConnectionLimitExceeded('full');
    expect(LimitExceeded.is(limit)).toBe(true);
    expect(LimitExceeded.is(error)).toBe(false);
  });

  it('asks for the code as well when one is given', () => {
    expect(ChannelError.is(error, 'ERR_KOMBU_NOT_FOUND')).toBe(true);
    expect(ChannelError.is(error, 'ERR_KOMBU_PRECONDITION_FAILED')).toBe(false);
    expect(OperationalError.is(error, 'ERR_KOMBU_NOT_FOUND')).toBe(false);
  });

  it('knows the errors of another copy of this package', () => {
    class OtherCopy extends Error {
      readonly code = 'ERR_KOMBU_NOT_FOUND';
    }
    Object.defineProperty(OtherCopy, 'name', { value: 'ChannelError' });
    const foreign = Object.assign(new OtherCopy('x'), { [Symbol.for('@kombu/core/error')]: true });
    expect(KombuError.is(foreign)).toBe(true);
    expect(ChannelError.is(foreign, 'ERR_KOMBU_NOT_FOUND')).toBe(true);
    expect(OperationalError.is(foreign)).toBe(false);
  });

  it.each([undefined, null, 'ERR_KOMBU_NOT_FOUND', {}, new Error('x'), { code: 'ERR_KOMBU_NOT_FOUND' }])(
    'is false for what is no error of this library: %p',
    (other) => expect(KombuError.is(other)).toBe(false),
  );
});
