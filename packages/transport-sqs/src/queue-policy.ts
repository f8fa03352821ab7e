/** The statement that is Kombu's in a queue's policy. */
const SID = 'KombuManaged';

interface Statement {
  readonly Sid?: string;
  readonly Condition?: { readonly ArnLike?: { readonly 'aws:SourceArn'?: string | readonly string[] } };
}

/**
 * A queue's policy with leave for topics to send to it, beside the topics that have it already; undefined: they have it. What
 * others wrote into the policy stays.
 */
export function allowTopic(
  policy: string | undefined,
  queueArn: string,
  ...topicArns: readonly string[]
): string | undefined {
  const whole = policy ? JSON.parse(policy) : { Version: '2012-10-17', Statement: [] };
  const statements: Statement[] = Array.isArray(whole.Statement) ? whole.Statement : [whole.Statement];
  const own = statements.find(({ Sid }) => Sid === SID);
  const given = own?.Condition?.ArnLike?.['aws:SourceArn'] ?? [];
  const topics = typeof given === 'string' ? [given] : given;
  const missing = topicArns.filter((arn) => !topics.includes(arn));
  if (missing.length === 0) return undefined;
  const statement = {
    Sid: SID,
    Effect: 'Allow',
    Principal: { Service: 'sns.amazonaws.com' },
    Action: 'SQS:SendMessage',
    Resource: queueArn,
    Condition: { ArnLike: { 'aws:SourceArn': [...topics, ...missing] } },
  };
  return JSON.stringify({ ...whole, Statement: [...statements.filter((one) => one !== own), statement] });
}
