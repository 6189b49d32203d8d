import type { ResultFormat } from './format.ts'
import { inspect } from './inspect/inspect.ts'
import { interCode } from './intercode.ts'
import { miniSweAgent } from './minisweagent.ts'
import { promptfoo } from './promptfoo.ts'
import { sweAgent } from './sweagent.ts'
import { tau2Bench } from './tau2bench.ts'
import { tauBench } from './taubench.ts'

/** Every result format that Arc imports. */
export const RESULT_FORMATS: ResultFormat[] = [
  tauBench,
  tau2Bench,
  inspect,
  promptfoo,
  interCode,
  sweAgent,
  miniSweAgent,
]

/** The format of a parsed JSON document, told by its content; undefined when it is none that Arc knows. */
export function detectFormat(document: unknown): ResultFormat | undefined {
  return RESULT_FORMATS.find((format) => format.detect(document))
}
