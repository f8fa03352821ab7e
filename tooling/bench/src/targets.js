import { FIGURES } from './figures.js';
import { describeTarget, targetOf } from './verdict.js';

const HEAD = `# Targets

What each transport has to reach, as \`npm run bench\` measures it. Written from \`src/comparisons\` by
\`node tooling/bench/src/main.js --targets\`; a test keeps both the same. A target that is missed stays, with what a profile
showed; none is loosened.

A ratio is subject over reference, the median of at least five pairs: of rates, more is better; of times, less is.

| transport | what | figure | subject | against | target | why it is missed, where it is |
| --- | --- | --- | --- | --- | --- | --- |
`;

/** Every target of some benches: `{ transport, what, figure, subject, against?, target, reason? }`. */
export function allTargets(benches) {
  return benches.flatMap(({ transport, comparisons }) =>
    comparisons.flatMap((comparison) => {
      const { what, figure = 'rate', subject, references } = comparison;
      const row = { transport, what, figure, subject: subject.name };
      return [
        { ...row, target: targetOf(comparison), reason: comparison.reason },
        ...references.map((reference) => ({
          ...row,
          against: reference.name,
          target: targetOf(reference),
          reason: reference.reason,
        })),
      ].filter(({ target }) => target !== undefined);
    }),
  );
}

/** The table of targets as a page. */
export function targetsPage(benches) {
  const rows = allTargets(benches).map(({ transport, what, figure, subject, against, target, reason }) => {
    const { label, unit } = FIGURES[figure];
    const aim = against === undefined ? `${describeTarget(target)} ${unit}` : `${describeTarget(target)} x`;
    return `| ${[transport, what, label, subject, against ?? '', aim, reason ?? ''].join(' | ')} |\n`;
  });
  return HEAD + rows.join('');
}
