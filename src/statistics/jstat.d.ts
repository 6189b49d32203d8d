// jstat has no types. Its version is pinned; test/unit/statistics/distributions.test.ts compares what is used with SciPy.

declare module 'jstat' {
  const jstat: {
    jStat: {
      normal: {
        cdf(x: number, mean: number, standardDeviation: number): number
        inv(p: number, mean: number, standardDeviation: number): number
      }
      studentt: { inv(p: number, degreesOfFreedom: number): number }
      chisquare: { inv(p: number, degreesOfFreedom: number): number }
      beta: { inv(p: number, a: number, b: number): number }
    }
  }
  export default jstat
}
