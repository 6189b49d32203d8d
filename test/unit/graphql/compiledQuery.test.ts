import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { getOperationAST, parse } from 'graphql'
import { expect, it } from 'vitest'
import { QueryCompiler } from '../../../src/graphql/compiled/compiledQuery.ts'
import { schema } from '../../../src/graphql/schema.ts'

setFlagsFromString('--expose_gc')
const collectGarbage = runInNewContext('gc') as () => void

it('the statements of many documents do not keep all of these in memory', async () => {
  const compiler = new QueryCompiler(1e6)
  const json = Array.from({ length: 2_500 }, (_, index) => `k${index}: ${index}`).join(' ')
  const compiled = (alias: string) => {
    const document = parse(
      `{ simulations(filter: { metadata: [{ path: ["a"], eq: { ${json} } }] }) { nodes { ${alias}: status } } }`,
    )
    const operation = getOperationAST(document)!
    const fields = compiler.compile({ schema, document, variableValues: {} }, operation)
    expect(fields).toMatchObject([{ read: { text: expect.any(String) } }])
    return new WeakRef(operation.selectionSet.selections[0]!)
  }
  const asked = Array.from({ length: 200 }, (_, index) => compiled(`s${index}`))
  // What a reference was just made to stays until the turn is over.
  await setImmediate()
  collectGarbage()
  const inMemory = asked.filter((node) => node.deref())
  expect(inMemory.length).toBeGreaterThan(0)
  expect(inMemory.length).toBeLessThan(100)
  // Of the last one, which is there as long as the compiler is.
  expect(compiled('again').deref()).toBeDefined()
})
