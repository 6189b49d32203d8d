/** Sums with the lost digits kept (Neumaier 1974), so that a thousand equal differences are not a little unequal. */
export function sumOf(values: ArrayLike<number>): number {
  let sum = 0
  let lost = 0
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!
    const next = sum + value
    lost += Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum
    sum = next
  }
  return sum + lost
}

/** NaN of none. */
export const meanOf = (values: ArrayLike<number>): number => sumOf(values) / values.length

/** Sum of squared deviations from the mean. Zero where all are equal, whatever their mean was rounded to. */
export function squaresOf(values: readonly number[], mean = meanOf(values)): number {
  if (values.every((value) => value === values[0])) return 0
  return sumOf(values.map((value) => (value - mean) ** 2))
}

/** Unbiased, with n − 1. NaN of fewer than two. */
export const varianceOf = (values: readonly number[], mean = meanOf(values)): number =>
  values.length < 2 ? Number.NaN : squaresOf(values, mean) / (values.length - 1)
