import type { SQSClientConfig } from '@aws-sdk/client-sqs';
import { NotSupportedError, OperationalError } from '@kombu/core';
import type { SqsOptions } from './options.js';

/** How late the answer of STS may be: every other call waits for it. */
const ANSWER_MS = 15_000;

/** Loads a client that is installed by those who need it. */
export async function optional<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    throw new NotSupportedError(`${name} is not installed: npm install ${name}`, { cause });
  }
}

/**
 * The keys of a role, taken on with keys of one's own. The SDK asks again shortly before they run out.
 *
 * @param own those of the connection; undefined: what the SDK finds by itself
 */
export function roleCredentials(
  { stsRoleArn, stsTokenTimeoutMs = 900_000 }: SqsOptions,
  config: SQSClientConfig,
  own: SQSClientConfig['credentials'],
): NonNullable<SQSClientConfig['credentials']> {
  return async () => {
    const { STSClient, AssumeRoleCommand } = await optional('@aws-sdk/client-sts', () => import('@aws-sdk/client-sts'));
    const sts = new STSClient({ ...config, ...(own && { credentials: own }) } as object);
    const assume = new AssumeRoleCommand({
      RoleArn: stsRoleArn,
      RoleSessionName: 'kombu',
      DurationSeconds: Math.ceil(stsTokenTimeoutMs / 1000),
    });
    const { Credentials: keys } = await sts.send(assume, { requestTimeout: ANSWER_MS });
    if (keys?.AccessKeyId === undefined || keys.SecretAccessKey === undefined) {
      throw new OperationalError('BROKER_BUSY', `taking on the role ${stsRoleArn} gave no keys`);
    }
    return {
      accessKeyId: keys.AccessKeyId,
      secretAccessKey: keys.SecretAccessKey,
      ...(keys.SessionToken && { sessionToken: keys.SessionToken }),
      ...(keys.Expiration && { expiration: keys.Expiration }),
    };
  };
}
