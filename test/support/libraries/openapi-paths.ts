// As `openapi-typescript` writes it of a description of two routes.
interface Echoed {
  method: string;
  query: Record<string, string>;
  body?: unknown;
}

export interface paths {
  '/echo': {
    post: {
      parameters: { query?: { page?: number } };
      requestBody: { content: { 'application/json': { item: string } } };
      responses: { 200: { content: { 'application/json': Echoed } } };
    };
  };
  '/status/{code}': {
    get: {
      parameters: { path: { code: number } };
      responses: {
        200: { content: { 'application/json': { status: number } } };
        404: { content: { 'application/json': { error: string } } };
      };
    };
  };
}
