"""What is kept in the database."""

from django.db import models


class Note(models.Model):
    """A note that a visitor has written."""

    text = models.CharField(max_length=200)
    written = models.DateTimeField(auto_now_add=True)

    class Meta:
        """The newest comes first."""

        ordering = ("-written", "-pk")

    def __str__(self) -> str:
        return self.text
