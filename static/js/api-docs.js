// The API's pages, drawn by Swagger UI from our own description; nothing is fetched from elsewhere.
const mount = document.getElementById("swagger");
window.SwaggerUIBundle({
  domNode: mount,
  url: mount.dataset.openapi,
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: -1,
  validatorUrl: null,
  syntaxHighlight: false,
  presets: [window.SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
});
