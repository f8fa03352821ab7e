import { core, loop } from './core.js';

/** Credit, taken before a reserve and given back by a settlement. */
export default async function cases() {
  const { Credit } = await core('virtual/credit.js');
  const credit = new Credit(100);
  return [
    {
      group: 'credit',
      name: 'take and give',
      run: loop(() => {
        const free = credit.free;
        credit.take(1);
        credit.give(1);
        return free;
      }),
    },
  ];
}
