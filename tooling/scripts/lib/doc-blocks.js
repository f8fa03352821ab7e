import { readFileSync } from 'node:fs';

const FENCE = /^(\s*)(`{3,}|~{3,})(.*)$/;
const NO_RUN = /^\s*\/\/ @no-run: (.+)$/;

/**
 * The TypeScript blocks of a Markdown file: `{ line, code, noRun }`. A block fenced as `ts continued` goes on where the one
 * before it ended: its code is that of both. `noRun` is the reason that a block gives in its first line for not being run.
 */
export function docBlocks(file) {
  const blocks = [];
  let open;
  for (const [index, text] of readFileSync(file, 'utf8').split('\n').entries()) {
    const fence = FENCE.exec(text);
    if (open === undefined) {
      if (fence) open = { fence: fence[2], info: fence[3].trim(), indent: fence[1].length, line: index + 2, lines: [] };
    } else if (fence?.[2].startsWith(open.fence) && fence[3].trim() === '') {
      const [language, ...words] = open.info.split(/\s+/);
      if (language === 'ts' || language === 'typescript')
        blocks.push(blockOf(open, words.includes('continued') ? blocks.at(-1) : undefined));
      open = undefined;
    } else {
      open.lines.push(text.slice(Math.min(open.indent, text.length - text.trimStart().length)));
    }
  }
  return blocks;
}

function blockOf({ line, lines }, before) {
  const noRun = NO_RUN.exec(lines[0] ?? '')?.[1] ?? before?.noRun;
  return { line, code: before ? `${before.code}\n${lines.join('\n')}` : lines.join('\n'), noRun };
}

const URLS =
  /(['"`])(?:amqps?|pyamqp|librabbitmq|rediss?|redis\+socket|sentinel|sqs|filesystem|mongodb(?:\+srv)?|zookeeper|etcds?|consul):\/\/[^'"`]*\1/g;

/** The same code over the memory transport: examples that name a broker are run without one. */
export function overMemory(code) {
  return code.replace(URLS, "'memory://'");
}
