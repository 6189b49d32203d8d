/**
 * How many times the processor time it takes to do it for four times the size: some 4 where the time is in proportion
 * to the size, 16 where it is in proportion to its square. The least of three times, so that what else the process
 * does counts for little.
 */
export function growth(size: number, work: (size: number) => void): number {
  const timeFor = (each: number) => {
    const times = [1, 2, 3].map(() => {
      const before = process.cpuUsage()
      work(each)
      return process.cpuUsage(before).user
    })
    return Math.min(...times)
  }
  return timeFor(4 * size) / Math.max(timeFor(size), LEAST_MICROSECONDS)
}

/** What is quicker than this says nothing. */
const LEAST_MICROSECONDS = 5_000
