import { describe, expect } from 'vitest'
import { readResultFile } from '../../../src/importers/resultFile.ts'
import { eachResultFile, expectTotals } from '../../support/expectedTotals.ts'
import { expectSound } from '../../support/mutatedDocument.ts'

describe.each([
  ['tau-bench', 'tau-bench'],
  ['tau2-bench', 'tau2-bench'],
  ['inspect', 'Inspect'],
  ['promptfoo', 'promptfoo'],
  ['intercode', 'InterCode'],
  ['sweagent', 'SWE-agent'],
  ['minisweagent', 'mini-swe-agent'],
])('%s', (format, name) => {
  eachResultFile(format, 'adds up', async (path, expected) => {
    const parsed = await readResultFile(path)
    expect(parsed.format).toBe(name)
    expectTotals(parsed, expected)
    expectSound(parsed, expected.records + expected.rejected)
    // What Inspect keeps apart from a sample stands in it again.
    if (format === 'inspect') expect(JSON.stringify(parsed.runs)).not.toMatch(/(attachment|tc):\/\/\w/)
  })
})
