import fc from 'fast-check'
import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLInputType,
  type GraphQLNamedOutputType,
  GraphQLNonNull,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isAbstractType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
  isRequiredArgument,
  isRequiredInputField,
} from 'graphql'
import { HOSTILE_VALUES, RawLiteral } from './hostileValues.ts'
import type { KnownRows } from './knownRows.ts'
import { fieldsOf, type Route, type Step } from './schemaRoutes.ts'

export interface RandomOperation {
  kind: 'query' | 'mutation' | 'subscription'
  query: string
  variables: Record<string, unknown>
  /** The coordinates that it selects or gives, without what its directives leave out. */
  coordinates: Set<string>
  /** Whether all its values fit; otherwise some are hostile, or the document itself is damaged. */
  kindly: boolean
}

/** How large operations become: to be kept below the limits of the server. */
export interface Sizes {
  rootFields: number
  depth: number
  /** Fields in all, beside those of the route. */
  fields: number
  /** Connections in all, beside those of the route. */
  connections: number
}

const SIZES: Sizes = { rootFields: 3, depth: 4, fields: 20, connections: 2 }

/** A random operation that goes along the route. */
export function operationAlong(
  schema: GraphQLSchema,
  route: Route,
  known: KnownRows,
  sizes: Sizes = SIZES,
): fc.Arbitrary<RandomOperation> {
  return fc.gen().map((gen) => new OperationWriter(schema, known, sizes, gen).write(route))
}

/** Of filters: each is given what its field's rows have. */
const OPERATORS = new Set(['eq', 'in', 'contains', 'gte', 'gt', 'lte', 'lt', 'hasSome', 'hasEvery'])

/** Times and ids: what is nearly one is none. */
const OF_ONE_FORM = /^\d{4}-\d\d-\d\dT|^[0-9a-f]{8}(-[0-9a-f]{4}){3}-/

/** fast-check likes small numbers better, which would make every chance a larger one. */
const evenly = (max: number) => fc.noBias(fc.integer({ min: 0, max }))

class EnumName {
  readonly name: string
  constructor(name: string) {
    this.name = name
  }
  toJSON(): string {
    return this.name
  }
}

/** What is left of a route below a place. */
interface Ahead {
  steps: Step[]
  argument?: string | undefined
  inputFields: string[]
}

class OperationWriter {
  readonly #schema: GraphQLSchema
  readonly #known: KnownRows
  readonly #gen: fc.GeneratorValue
  readonly #sizes: Sizes
  readonly #variables = new Map<string, { type: string; value: unknown; otherwise: string }>()
  readonly #fragments: string[] = []
  readonly #coordinates = new Set<string>()
  #hostile = false
  #names = 0
  #fieldsLeft: number
  #connectionsLeft: number

  constructor(schema: GraphQLSchema, known: KnownRows, sizes: Sizes, gen: fc.GeneratorValue) {
    this.#schema = schema
    this.#known = known
    this.#sizes = sizes
    this.#gen = gen
    this.#fieldsLeft = sizes.fields
    this.#connectionsLeft = sizes.connections
  }

  write(route: Route): RandomOperation {
    this.#hostile = this.#chance(40)
    const root = route.steps[0]!.type
    const kind = root.toLowerCase() as RandomOperation['kind']
    const rootType = this.#schema.getType(root) as GraphQLNamedOutputType
    const beside =
      kind === 'subscription' ? [] : this.#some(fieldsOf(rootType), this.#upTo(this.#sizes.rootFields - 1))
    const fields = [
      this.#field(rootType, this.#fieldNamed(rootType, route.steps[0]!.field), this.#sizes.depth, true, {
        ...route,
        steps: route.steps.slice(1),
      }),
      ...beside.map((field) => this.#field(rootType, field, this.#sizes.depth - 1, true)),
    ]
    const name = this.#chance(50) ? ` ${this.#name('Operation')}` : ''
    const declared = [...this.#variables].map(
      ([variable, { type, otherwise }]) => `$${variable}: ${type}${otherwise}`,
    )
    const head = kind === 'query' && name === '' && declared.length === 0 && this.#chance(50) ? '' : kind
    const query = [
      `${head}${name}${declared.length > 0 ? `(${declared.join(', ')})` : ''} { ${fields.join('\n')} }`,
      ...this.#fragments,
    ].join('\n')
    const damaged = this.#hostile && this.#chance(8)
    return {
      kind,
      query: damaged ? this.#damage(query) : query,
      variables: Object.fromEntries(
        [...this.#variables].flatMap(([variable, { value }]) =>
          value === undefined ? [] : [[variable, value]],
        ),
      ),
      coordinates: this.#coordinates,
      kindly: !this.#hostile,
    }
  }

  #selection(type: GraphQLNamedOutputType, depth: number, counted: boolean, ahead?: Ahead): string {
    if (isLeafType(type)) return ''
    const [step, ...steps] = ahead?.steps ?? []
    const parts = this.#chance(30) || isAbstractType(type) ? ['__typename'] : []
    if (step) {
      const field = this.#field(
        this.#schema.getType(step.type) as GraphQLNamedOutputType,
        this.#fieldNamed(this.#schema.getType(step.type) as GraphQLNamedOutputType, step.field),
        depth - 1,
        counted,
        { ...ahead!, steps },
        step.type !== type.name,
      )
      parts.push(step.type === type.name ? field : `... on ${step.type} { ${field} }`)
    }
    parts.push(...this.#someFields(type, depth, counted))
    if (isAbstractType(type)) {
      for (const possible of this.#some(this.#schema.getPossibleTypes(type), this.#upTo(2)))
        parts.push(this.#fragment(possible, this.#someFields(possible, depth, counted, true)))
    } else if (this.#chance(15)) {
      const applied = this.#chance(80)
      const fields = this.#someFields(type, depth, counted && applied, true)
      parts.push(this.#fragment(type, fields, this.#directive(applied)))
    }
    // A payload tells what it declines wherever it is asked for anything.
    if (type.name.endsWith('Payload') && this.#chance(70))
      parts.push('declined: errors { code message path }')
    return `{ ${parts.length > 0 ? parts.join(' ') : '__typename'} }`
  }

  #someFields(type: GraphQLNamedOutputType, depth: number, counted: boolean, aliased = false): string[] {
    const fields = fieldsOf(type).filter((field) => {
      const below = getNamedType(field.type)
      return isLeafType(below) || depth > 0
    })
    return this.#some(fields, this.#upTo(4)).flatMap((field) => {
      const isPage = getNamedType(field.type).name.endsWith('Connection')
      if (this.#fieldsLeft <= 0 || (isPage && this.#connectionsLeft <= 0)) return []
      this.#fieldsLeft--
      if (isPage) this.#connectionsLeft--
      const directed = this.#chance(10)
      const applied = !directed || this.#chance(70)
      return [
        this.#field(
          type,
          field,
          depth - 1,
          counted && applied,
          undefined,
          aliased,
          directed ? this.#directive(applied) : '',
        ),
      ]
    })
  }

  #field(
    type: GraphQLNamedOutputType,
    field: GraphQLField<unknown, unknown>,
    depth: number,
    counted: boolean,
    ahead?: Ahead,
    aliased = false,
    directive = '',
  ): string {
    const coordinate = `${type.name}.${field.name}`
    if (counted) this.#coordinates.add(coordinate)
    const endsHere = ahead?.steps.length === 0
    const given = field.args.filter(
      (arg) =>
        isRequiredArgument(arg) ||
        (endsHere && arg.name === ahead?.argument) ||
        this.#chance(arg.name === 'after' || arg.name === 'before' ? 12 : 35),
    )
    const forced = endsHere ? ahead?.argument : undefined
    const end = forced === 'last' || !given.some(({ name }) => name === 'first') ? 'last' : 'first'
    const order = { of: getNamedType(field.type).name.replace(/Connection$/, ''), by: '' }
    const args = given
      // A page is of one end.
      .filter(({ name }) => this.#hostile || !['first', 'last'].includes(name) || name === end)
      // A cursor belongs to an order.
      .sort((one, other) => Number(other.name === 'orderBy') - Number(one.name === 'orderBy'))
      .map((arg) => {
        const argument = `${coordinate}(${arg.name}:)`
        const path = endsHere && arg.name === ahead?.argument ? ahead.inputFields : []
        const ofType = field.name === 'node' ? ahead?.steps[0]?.type : undefined
        const isCursor = String(arg.type) === 'String' && (arg.name === 'after' || arg.name === 'before')
        const cursors = isCursor ? this.#known.cursorsOf(order.of, order.by) : []
        const value =
          isCursor && (!this.#hostile || this.#chance(60))
            ? cursors.length > 0
              ? this.#pick(cursors)
              : null
            : this.#value(arg.type, arg, argument, path, counted, ofType)
        if (arg.name === 'orderBy') order.by = (value as { field?: EnumName } | null)?.field?.name ?? ''
        if (counted) this.#coordinates.add(argument)
        return `${arg.name}: ${this.#written(arg, value)}`
      })
    const below = getNamedType(field.type)
    const unique = aliased || args.length > 0 || field.args.length > 0 || this.#chance(10)
    const alias = unique ? `${this.#name(field.name)}: ` : ''
    const selection = this.#selection(below as GraphQLNamedOutputType, depth, counted, ahead)
    return `${alias}${field.name}${args.length > 0 ? `(${args.join(', ')})` : ''}${directive} ${selection}`
  }

  #fragment(type: GraphQLNamedOutputType, fields: string[], directive = ''): string {
    const selection = `{ ${fields.length > 0 ? fields.join(' ') : '__typename'} }`
    if (this.#chance(50)) return `... on ${type.name}${directive} ${selection}`
    const name = this.#name('Fragment')
    this.#fragments.push(`fragment ${name} on ${type.name} ${selection}`)
    return `...${name}${directive}`
  }

  #directive(applied: boolean): string {
    const include = this.#chance(50)
    const condition = include ? applied : !applied
    const value = this.#chance(50) ? this.#variable('Boolean!', condition) : String(condition)
    return ` @${include ? 'include' : 'skip'}(if: ${value})`
  }

  /** The value as a literal or a variable. */
  #written(place: GraphQLArgument | GraphQLInputField, value: unknown): string {
    if (this.#chance(50)) return this.#literal(place.type, value)
    const literal = this.#chance(20) ? this.#literal(place.type, value) : '$'
    // Variables have no place in what another is when it is not given.
    if (literal.includes('$')) return this.#variable(String(place.type), value)
    return this.#variable(String(place.type), undefined, ` = ${literal}`)
  }

  /** One that is not given where the value is undefined. */
  #variable(type: string, value: unknown, otherwise = ''): string {
    const name = this.#name('v')
    this.#variables.set(name, { type, value, otherwise })
    return `$${name}`
  }

  #literal(type: GraphQLInputType, value: unknown): string {
    if (value instanceof EnumName) return value.name
    if (value instanceof RawLiteral) return value.text
    if (value === null || typeof value !== 'object') return JSON.stringify(value)
    const inner = isNonNullType(type) ? type.ofType : type
    if (Array.isArray(value)) {
      const item = isListType(inner) ? inner.ofType : inner
      return `[${value.map((each) => this.#literal(item, each)).join(', ')}]`
    }
    const fields = isInputObjectType(inner) ? inner.getFields() : {}
    const entries = Object.entries(value)
    if (entries.some(([key]) => !/^[A-Za-z]\w*$/.test(key))) return this.#variable(String(type), value)
    return `{${entries.map(([key, each]) => `${key}: ${this.#literal(fields[key]?.type ?? inner, each)}`).join(', ')}}`
  }

  #value(
    type: GraphQLInputType,
    place: GraphQLArgument | GraphQLInputField,
    coordinate: string,
    path: string[],
    counted: boolean,
    ofType?: string,
    about = place.name,
  ): unknown {
    if (isNonNullType(type)) {
      if (this.#hostile && this.#chance(1)) return null
      return this.#value(type.ofType, place, coordinate, path, counted, ofType, about)
    }
    if (path.length === 0 && this.#chance(this.#hostile ? 10 : 4)) {
      // Null says that a condition or option is not given.
      const required = isNonNullType(place.type) && place.type.ofType === type
      if (!required && !isInList(place.type, type)) return null
    }
    const known = this.#known.valuesFor(coordinate, about, getNamedType(type).name, ofType)
    if (isListType(type)) {
      const most = this.#hostile && this.#chance(3) ? 60 : 3
      const length = Math.max(path.length > 0 || !this.#hostile ? 1 : 0, this.#upTo(most))
      return Array.from({ length }, () =>
        this.#value(type.ofType, place, coordinate, path, counted, ofType, about),
      )
    }
    if (isInputObjectType(type)) {
      const [next, ...rest] = path
      const all = Object.values(type.getFields())
      const fields = type.isOneOf
        ? [all.find(({ name }) => name === next) ?? this.#pick(all)]
        : all.filter((field) => isRequiredInputField(field) || field.name === next || this.#chance(25))
      return Object.fromEntries(
        fields.map((field) => {
          const inner = `${type.name}.${field.name}`
          if (counted) this.#coordinates.add(inner)
          const ahead = field.name === next ? rest : []
          // What an operator is given is a value of the field that it is a condition on.
          const of = OPERATORS.has(field.name) ? about : field.name
          const needed = type.isOneOf
            ? { ...field, type: new GraphQLNonNull(getNullableType(field.type)) }
            : field
          return [field.name, this.#value(needed.type, needed, inner, ahead, counted, undefined, of)]
        }),
      )
    }
    if (isEnumType(type)) {
      if (this.#hostile && this.#chance(3)) return new EnumName('NO_SUCH_VALUE')
      return new EnumName(this.#pick(type.getValues()).name)
    }
    if (this.#hostile && this.#chance(10)) {
      const hostile = HOSTILE_VALUES[type.name]
      if (!hostile) throw new Error(`tell hostileValues.ts of values for the scalar ${type.name}`)
      return this.#pick(hostile)
    }
    if (this.#hostile && this.#chance(15)) {
      const strangers = this.#known.hostileFor(place.name, type.name)
      if (strangers.length > 0) return this.#pick(strangers)
    }
    if (known.length > 0)
      return OPERATORS.has(place.name) ? this.#nearly(this.#pick(known)) : this.#pick(known)
    throw new Error(`tell knownRows.ts of a value for ${coordinate}`)
  }

  /** The value, or one that is not far from it. */
  #nearly(value: unknown): unknown {
    if (this.#chance(60)) return value
    if (typeof value === 'number') return this.#pick([value - 1, value + 1, value * (1 + Number.EPSILON), 0])
    if (typeof value !== 'string' || OF_ONE_FORM.test(value)) return value
    const from = this.#upTo(3)
    return this.#pick([
      value.toUpperCase(),
      value.toLowerCase(),
      [...value].slice(from, from + 2).join(''),
      `${value}%`,
      '%',
      '_',
      '\\',
      '',
    ])
  }

  /** The document as a broken client or a curious person would send it. */
  #damage(query: string): string {
    const at = this.#upTo(query.length)
    return this.#pick([
      query.slice(0, at),
      query.slice(0, at) + this.#pick(['}', '{', '"', '$', '\u0000', '...', '@', '!']) + query.slice(at),
      query.replace(/\b(\w+)(?=[ ({])/g, (name) => (this.#chance(10) ? `${name}x` : name)),
      `${query} ${query}`,
      query.replace(/\([^)]*\)/, ''),
      query.replace(/: /, ': $nobody '),
      `${query} fragment Ring on Query { ...Ring }`,
      `${query.replace('{', '{ ...Ring ')} fragment Ring on Query { a: __typename ...Ring }`,
      query.replace('{', '{ __schema { types { name } } '),
      '',
    ])
  }

  #fieldNamed(type: GraphQLNamedOutputType, name: string): GraphQLField<unknown, unknown> {
    return fieldsOf(type).find((field) => field.name === name)!
  }

  #some<Item>(items: readonly Item[], count: number): Item[] {
    if (items.length === 0) return []
    return Array.from({ length: count }, () => this.#pick(items))
  }

  /** By its place: the generator compares whatever it is given with what it was given before. */
  #pick<Item>(items: readonly Item[]): Item {
    return items[this.#upTo(items.length - 1)]!
  }

  #upTo(most: number): number {
    return this.#gen(evenly, Math.max(0, most))
  }

  #chance(percent: number): boolean {
    return this.#gen(evenly, 99) < percent
  }

  #name(stem: string): string {
    return `${stem}${++this.#names}`
  }
}

function isInList(whole: GraphQLInputType, part: GraphQLInputType): boolean {
  let type = whole
  while (isNonNullType(type) || isListType(type)) {
    if (isListType(type) && type !== part) return true
    type = type.ofType
  }
  return false
}
