/** The part of JSON Schema that schemas.ts uses. */
export type Schema =
  | { readonly const: unknown }
  | { readonly enum: readonly unknown[] }
  | { readonly type: 'string'; readonly pattern?: string }
  | { readonly type: 'integer'; readonly minimum: number; readonly maximum: number }
  | {
      readonly type: 'array';
      readonly items: Schema;
      readonly minItems?: number;
      readonly maxItems?: number;
    }
  | {
      readonly type: 'object';
      readonly additionalProperties: false;
      readonly required: readonly string[];
      readonly properties: Readonly<Record<string, Schema>>;
    };

/** True if a JSON value fits a schema: without `eval`, which a strict Content-Security-Policy bars. */
export function fits(schema: Schema, value: unknown): boolean {
  if ('const' in schema) return value === schema.const;
  if ('enum' in schema) return schema.enum.includes(value);
  switch (schema.type) {
    case 'string':
      return (
        typeof value === 'string' &&
        (schema.pattern === undefined || new RegExp(schema.pattern, 'u').test(value))
      );
    case 'integer':
      return (
        Number.isInteger(value) && (value as number) >= schema.minimum && (value as number) <= schema.maximum
      );
    case 'array': {
      const { items, minItems = 0, maxItems = Number.POSITIVE_INFINITY } = schema;
      return (
        Array.isArray(value) &&
        value.length >= minItems &&
        value.length <= maxItems &&
        value.every((item) => fits(items, item))
      );
    }
    case 'object': {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
      const { required, properties } = schema;
      return (
        required.every((name) => Object.hasOwn(value, name)) &&
        Object.entries(value).every(
          ([name, member]) => Object.hasOwn(properties, name) && fits(properties[name] as Schema, member),
        )
      );
    }
  }
}
