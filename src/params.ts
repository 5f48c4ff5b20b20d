/** What a url template asks of its caller, read off its literal type. */

/** A value a template variable can have. */
export type ParamValue =
  | string
  | number
  | bigint
  | boolean
  | readonly (string | number | bigint | boolean)[]
  | Readonly<Record<string, string | number | bigint | boolean>>

/** Values for the variables of a template. */
export type Params = Readonly<Record<string, ParamValue | undefined>>

/** The params a url literal asks for: those of a path are required, those of a query may be left out. */
export type ParamsOf<Url> = Url extends `${string}{${infer Expression}}${infer Rest}`
  ? ExpressionParams<Expression> & ParamsOf<Rest>
  : unknown

type ExpressionParams<E extends string> = E extends `${'?' | '&'}${infer Names}`
  ? { readonly [Name in NamesOf<Names>]?: ParamValue | undefined }
  : { readonly [Name in NamesOf<E extends `${'+' | '#' | '.' | '/' | ';'}${infer Names}` ? Names : E>]: ParamValue }

type NamesOf<List extends string> = List extends `${infer First},${infer Rest}`
  ? NameOf<First> | NamesOf<Rest>
  : NameOf<List>
type NameOf<Spec extends string> = Spec extends `${infer Name}*`
  ? Name
  : Spec extends `${infer Name}:${string}`
    ? Name
    : Spec
