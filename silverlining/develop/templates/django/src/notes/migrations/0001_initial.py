"""Makes the table of the notes."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Made by makemigrations."""

    initial = True
    dependencies = ()
    operations = (
        migrations.CreateModel(
            name="Note",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("text", models.CharField(max_length=200)),
                ("written", models.DateTimeField(auto_now_add=True)),
            ],
            options={"ordering": ("-written", "-pk")},
        ),
    )
