/** The seed of the gate: what it asks today it asks tomorrow. */
const FIXED = 20_261_101

/** Of everything random in a test. ARC_TEST_SEED sets another, `random` draws one; each run prints its own. */
export const SEED = seedOf(process.env.ARC_TEST_SEED)

function seedOf(asked: string | undefined): number {
  if (asked === undefined || asked === '') return FIXED
  if (asked === 'random') return Math.floor(Math.random() * 2 ** 31)
  const seed = Number(asked)
  if (!Number.isInteger(seed) || seed < 0 || seed >= 2 ** 31)
    throw new Error(`ARC_TEST_SEED is ${asked}, neither "random" nor a whole number from 0 to 2147483647.`)
  return seed
}
