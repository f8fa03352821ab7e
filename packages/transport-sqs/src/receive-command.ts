import { type Message, ReceiveMessageCommand, type ReceiveMessageCommandInput } from '@aws-sdk/client-sqs';
import type { SqsLink } from './link.js';

/** The receipts of messages. */
export function handlesOf(messages: readonly Message[]): string[] {
  return messages.map(({ ReceiptHandle }) => ReceiptHandle as string);
}

/** A receive that is not made, nor tried again, when its link is closing. */
export function receiveCommand(link: SqsLink, input: ReceiveMessageCommandInput): ReceiveMessageCommand {
  const command = new ReceiveMessageCommand(input);
  command.middlewareStack.add(
    (next) => (args) => {
      link.receives.check();
      return next(args);
    },
    { step: 'finalizeRequest', priority: 'low', name: 'kombuReceives' },
  );
  return command;
}
