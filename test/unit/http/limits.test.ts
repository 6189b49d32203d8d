import { type DocumentNode, getOperationAST, parse, type SelectionNode, visit } from 'graphql'
import { describe, expect, it } from 'vitest'
import { readConfig } from '../../../src/config.ts'
import { schema } from '../../../src/graphql/schema.ts'
import { checkShape } from '../../../src/http/limits/documentShape.ts'
import { estimateCost } from '../../../src/http/limits/operationCost.ts'

const { limits } = readConfig({}).exposure

/** Each of its fragments uses the next one twice: written out, the last one stands there 2 to the `levels` times. */
function doubling(levels: number): DocumentNode {
  const fragments = Array.from(
    { length: levels },
    (_, level) => `fragment f${level} on Simulation {
      one: configVersion { simulations { nodes { ...f${level + 1} } } }
      two: configVersion { simulations { nodes { ...f${level + 1} } } }
    }`,
  )
  return parse(
    `{ simulations { nodes { ...f0 } } } ${fragments.join(' ')} fragment f${levels} on Simulation { status }`,
  )
}

/** How many selection sets the document has, and how often `look` looked into one. */
function looksInto(document: DocumentNode, look: () => void): { sets: number; looks: number } {
  let sets = 0
  let looks = 0
  visit(document, {
    SelectionSet(node) {
      sets += 1
      const { selections } = node
      Object.defineProperty(node, 'selections', {
        get(): readonly SelectionNode[] {
          looks += 1
          return selections
        },
      })
    },
  })
  looks = 0
  look()
  return { sets, looks }
}

describe('fragments that use each other twice over are looked into once each:', () => {
  it('the shape of a document', () => {
    const document = doubling(12)
    const { sets, looks } = looksInto(document, () => {
      expect(() => checkShape(document, limits)).toThrow(/nested 39 levels deep/)
    })
    expect(looks).toBe(sets)
  })

  it('the cost of an operation', () => {
    const document = doubling(12)
    const { sets, looks } = looksInto(document, () => {
      const { cost } = estimateCost(schema, document, getOperationAST(document)!, {})
      expect(cost).toBeGreaterThan(2 ** 12)
    })
    expect(looks).toBe(sets)
  })
})
