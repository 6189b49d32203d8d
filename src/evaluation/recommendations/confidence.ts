/** Nothing is certain that was counted. */
const MOST = 0.999

/**
 * How sure a one-sided claim is: the largest probability with which the bound of its interval still says so, 0.5 to 0.999. Every rule's confidence is this, so that they
 * can be ordered by it.
 * @param holds whether the claim holds by the interval of this two-sided level, 0 to 1; where it does at one, it does at all smaller ones
 */
export function confidenceOf(holds: (level: number) => boolean): number {
  let low = 0
  let high = 2 * MOST - 1
  if (holds(high)) return MOST
  for (let step = 0; step < 30; step++) {
    const middle = (low + high) / 2
    if (holds(middle)) low = middle
    else high = middle
  }
  return Math.round(((1 + low) / 2) * 1000) / 1000
}
