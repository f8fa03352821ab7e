/** The statement that is Kombu's in a queue's policy. */
const SID = 'KombuManaged';

interface Statement {
  readonly Sid?: string;
  readonly Condition?: { readonly ArnLike?: { readonly 'aws:SourceArn'?: string | readonly string[] } };
}

/**
 * A queue's policy with leave for a topic to send to it, beside the topics that have it already; undefined: it has it. What
 * others wrote into the policy stays.
 */
export function allowTopic(policy: string | undefined, queueArn: string, topicArn: string): string | undefined {
  const whole = policy ? JSON.parse(policy) : { Version: '2012-10-17', Statement: [] };
  const statements: Statement[] = Array.isArray(whole.Statement) ? whole.Statement : [whole.Statement];
  const own = statements.find(({ Sid }) => Sid === SID);
  const given = own?.Condition?.ArnLike?.['aws:SourceArn'] ?? [];
  const topics = typeof given === 'string' ? [given] : given;
  if (topics.includes(topicArn)) return undefined;
  const statement = {
    Sid: SID,
    Effect: 'Allow',
    Principal: { Service: 'sns.amazonaws.com' },
    Action: 'SQS:SendMessage',
    Resource: queueArn,
    Condition: { ArnLike: { 'aws:SourceArn': [...topics, topicArn] } },
  };
  return JSON.stringify({ ...whole, Statement: [...statements.filter((one) => one !== own), statement] });
}
