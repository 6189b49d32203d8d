import { readFile } from 'node:fs/promises'
import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  getNamedType,
  getNullableType,
  isAbstractType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isListType,
  isObjectType,
  isSpecifiedScalarType,
  lexicographicSortSchema,
  printSchema,
} from 'graphql'
import { describe, expect, it } from 'vitest'
import type { InputBounds } from '../../../src/graphql/builder/inputBounds.ts'
import { schema } from '../../../src/graphql/schema.ts'

const types = Object.values(schema.getTypeMap()).filter(({ name }) => !name.startsWith('__'))

describe('schema.graphql', () => {
  it('is what the code makes', async () => {
    expect(await readFile('schema.graphql', 'utf8')).toBe(`${printSchema(lexicographicSortSchema(schema))}\n`)
  })
})

describe('every part of the schema', () => {
  it('has a description: a whole sentence', () => {
    const lacking: string[] = []
    const look = (where: string, description: string | null | undefined) => {
      if (!description || !/[.!?]$/.test(description.trim()))
        lacking.push(`${where}: ${description ?? 'none'}`)
    }
    for (const type of types) {
      if (isSpecifiedScalarType(type)) continue
      look(type.name, type.description)
      if (isObjectType(type) || isInterfaceType(type)) {
        for (const field of Object.values(type.getFields())) {
          look(`${type.name}.${field.name}`, field.description)
          for (const arg of field.args) look(`${type.name}.${field.name}(${arg.name}:)`, arg.description)
        }
      }
      if (isInputObjectType(type))
        for (const field of Object.values(type.getFields()))
          look(`${type.name}.${field.name}`, field.description)
      if (isEnumType(type))
        for (const value of type.getValues()) look(`${type.name}.${value.name}`, value.description)
    }
    expect(lacking).toEqual([])
  })

  it('is answered by the statement of its operation where it comes of what is stored', () => {
    const isRead = ({ name, extensions }: GraphQLField<unknown, unknown>) =>
      extensions.read !== undefined || name === 'id'
    // Values that are computed, and receipts, have no fields that are read: whoever reads some reads all.
    const resolved = types
      .filter(isObjectType)
      .filter(
        ({ name }) => !/^(Mutation|Subscription|PageInfo)$|(Connection|Edge|Payload|Event|Step)$/.test(name),
      )
      .map((type) => ({ type, fields: Object.values(type.getFields()) }))
      .filter(({ fields }) => fields.some((field) => isRead(field) && field.name !== 'id'))
      .flatMap(({ type, fields }) =>
        fields.filter((field) => !isRead(field)).map(({ name }) => `${type.name}.${name}`),
      )
    // What this server knows itself.
    expect(resolved.sort()).toEqual(['Query.health', 'Query.metrics', 'Query.viewer'])
  })

  it('bounds the texts and lists that a filter compares with each row, and those that say which rows', () => {
    const unbounded: string[] = []
    const look = (where: string, { type, extensions }: GraphQLInputField | GraphQLArgument) => {
      const bounds = (extensions.bounds ?? {}) as InputBounds
      const isText = ['String', 'ID'].includes(getNamedType(type).name)
      if (isListType(getNullableType(type)) && bounds.entries === undefined)
        unbounded.push(`${where}: entries`)
      if (isText && !/(^|\.)ids?$/.test(where) && bounds.characters === undefined)
        unbounded.push(`${where}: characters`)
    }
    for (const type of types) {
      if (isInputObjectType(type) && /Filter$/.test(type.name))
        for (const field of Object.values(type.getFields())) look(`${type.name}.${field.name}`, field)
      if (isObjectType(type) && type.name !== 'Mutation')
        for (const field of Object.values(type.getFields()))
          for (const arg of field.args) look(`${type.name}.${field.name}.${arg.name}`, arg)
    }
    // A key is looked up in an index.
    expect(unbounded.filter((name) => !/^Query\.\w+\.\w+Id: characters$/.test(name))).toEqual([])
  })

  it('lists objects in connections, but for lists whose end is known', () => {
    const lists = types
      .filter(isObjectType)
      .filter(({ name }) => !/Connection$|Payload$/.test(name))
      .flatMap((type) =>
        Object.values(type.getFields())
          .filter(
            ({ type: of }) =>
              isListType(getNullableType(of)) &&
              (isObjectType(getNamedType(of)) || isAbstractType(getNamedType(of))),
          )
          .map((field) => `${type.name}.${field.name}`),
      )
    expect(lists.sort()).toEqual([
      // A comparison is one document.
      'ConfigComparison.changes',
      'ConfigComparison.hunks',
      // A hundred at most.
      'ConfigDiff.changedPaths',
      'ConfigDiff.changes',
      'ConfigDiff.hunks',
      'DiffHunk.rows',
      // As many as there are kinds of errors.
      'FailureDrift.categories',
      // As many as the database has.
      'Health.extensions',
      'Health.hypertables',
      'Health.jobs',
      // One for each metric, and for each changed path.
      'ImpactActual.deltas',
      'ImpactPrediction.basis',
      'ImpactPrediction.metrics',
      'ImpactPreview.basis',
      'ImpactPreview.metrics',
      // As many as there are reasons.
      'Metrics.resolvedFields',
      // A thousand.
      'Performance.buckets',
      'PerformanceGroup.buckets',
      // A log that is read on from a number.
      'Query.changes',
      // One for each key that is given.
      'Query.compareSimulations',
      'Query.nodes',
      // One for each changed path.
      'Recommendation.suggestedChanges',
      // As many as there are rules.
      'RegressionGate.reasons',
      // One for each k that is given, and for each metric of 25 at most.
      'SimulationComparison.passAtK',
      'SimulationComparison.totals',
      // Five.
      'ToolAnalytics.commonErrors',
    ])
  })

  it('lists with one shape: first, after, last, before, filter, orderBy', () => {
    const lists = types
      .filter(isObjectType)
      .flatMap((type) =>
        Object.values(type.getFields()).map((field) => ({ where: `${type.name}.${field.name}`, field })),
      )
      .filter(({ field }) => String(field.type).replace('!', '').endsWith('Connection'))
      // What is similar comes by how similar it is.
      .filter(({ field }) => !field.name.startsWith('similar'))
      // Parts of a whole have one order, and are not told apart by fields.
      .filter(
        ({ where }) =>
          !['Outcome.trajectorySteps', 'Simulation.events', 'TrajectoryDiff.steps'].includes(where),
      )
    expect(lists.length).toBeGreaterThan(15)
    for (const { where, field } of lists) {
      // These say what the rows are.
      const names = field.args
        .map(({ name }) => name)
        .filter(
          (name) =>
            !['by', 'dimension', 'goneSince', 'grain', 'newSince', 'simulations', 'stableFrom'].includes(
              name,
            ),
        )
      expect([where, ...names.sort()]).toEqual([
        where,
        'after',
        'before',
        'filter',
        'first',
        'last',
        'orderBy',
      ])
    }
  })
})
